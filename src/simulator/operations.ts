import * as z from 'zod';
import { parseJson } from '../core/parse-json.ts';
import type { Clock } from '../core/ports.ts';
import { type Answer, type Refusal, toWire, type WireTopup } from './answer.ts';
import { ACCOUNT, type OrderBook } from './orders.ts';
import type { Route } from './routes.ts';

export interface OperationsOptions {
  readonly apiKey: string;
  readonly callsPerMinute: number;
  readonly clock: Clock;
  readonly orders: OrderBook;
  readonly rowsName: 'topups' | 'items';
  readonly listCarriesCards: boolean;
  readonly longestPage: number;
}

interface OperationInput {
  readonly route: Route;
  readonly query: URLSearchParams;
  /** The body as text; empty for calls without one. */
  readonly body: string;
}

/** The answer of a healthy upstream to a call that passed the key check and the rate limit. */
export function operate(
  options: OperationsOptions,
  { route, query, body }: OperationInput,
): Answer {
  switch (route.operation) {
    case 'check-id':
      return check(options, route.subject.toLowerCase());
    case 'check-ref':
      return check(options, options.orders.idOfRef(route.subject));
    case 'list':
      return list(options, query);
    case 'send':
      return send(options, body);
    case 'validate':
      return validate(options);
  }
}

/** A malformed id gets a 404 like any unknown id: whether the real upstream answers 400 instead is not known. */
function check({ orders, clock }: OperationsOptions, id: string | undefined): Answer {
  const order = id === undefined ? undefined : orders.ask(id);
  if (order === undefined) return NOT_FOUND;
  return { kind: 'topup', topup: toWire(order, clock.now()) };
}

const instant = z.union([z.iso.datetime({ offset: true }), z.iso.date()]).transform(Date.parse);

const listQuerySchema = z
  .object({
    page: z.coerce.number().int().min(1).default(1),
    pageSize: z.coerce.number().int().min(1).max(100).default(20),
    from: instant.optional(),
    to: instant.optional(),
  })
  .refine(({ from, to }) => (from === undefined) === (to === undefined), {
    message: 'from and to must be provided together',
    path: ['from'],
  });

function list(options: OperationsOptions, query: URLSearchParams): Answer {
  const parsed = listQuerySchema.safeParse(Object.fromEntries(query));
  if (!parsed.success) return invalid(parsed.error);
  const { page } = parsed.data;
  const pageSize = Math.min(parsed.data.pageSize, options.longestPage);
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = parsed.data;
  const orders = options.orders.createdWithin({ from, to });
  const now = options.clock.now();
  const topups = orders
    .slice((page - 1) * pageSize, page * pageSize)
    .map((order) => toWire(order, now))
    .map((topup) => (options.listCarriesCards ? topup : withoutCard(topup)));
  const totalResults = orders.length;
  const totalPages = Math.ceil(totalResults / pageSize);
  const pagination = { page, pageSize, totalPages, totalResults };
  return { kind: 'list', rowsName: options.rowsName, topups, pagination };
}

function withoutCard({ card_code: _, ...rest }: WireTopup): WireTopup {
  return rest;
}

const service = {
  // The upstream's name for the amount, in this one call only.
  value: z.number().int().positive(),
  ref: z.string().min(1).max(200).optional(),
};

const sendSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ADSL'), number: z.string().regex(/^0\d{8}$/), ...service }),
  z.object({ type: z.literal('4G'), number: z.string().regex(/^213\d{9}$/), ...service }),
]);

function send({ orders }: OperationsOptions, body: string): Answer {
  const parsed = sendSchema.safeParse(parseJson(body));
  if (!parsed.success) return invalid(parsed.error);
  const { type, number, value, ref } = parsed.data;
  if (ref !== undefined && orders.hasRef(ref)) return DUPLICATED_REF;
  const order = orders.add({ plan: 'fulfilled', type, number, amount: value, ref });
  return { kind: 'success', data: { topupId: order.id, topupRef: order.ref } };
}

/** The upstream's sandbox keys allow 60 calls a minute, its production keys twice as many. */
const SANDBOX_CALLS_PER_MINUTE = 60;

function validate({ apiKey, callsPerMinute }: OperationsOptions): Answer {
  const key = {
    key: apiKey,
    isEnabled: true,
    type: callsPerMinute <= SANDBOX_CALLS_PER_MINUTE ? 'SANDBOX' : 'PRODUCTION',
    allowedips: [],
    scope: 'READ-WRITE',
  };
  return { kind: 'success', data: { username: ACCOUNT, apiKey: key } };
}

function invalid(error: z.ZodError): Refusal {
  return {
    kind: 'refusal',
    httpStatus: 400,
    code: 'ERR_VALIDATION',
    message: 'Invalid request parameters',
    details: { fields: error.issues.map(({ path }) => path.join('.')) },
  };
}

export const NOT_FOUND: Refusal = {
  kind: 'refusal',
  httpStatus: 404,
  code: 'NOT_FOUND',
  message: 'Top-up not found',
};

const DUPLICATED_REF: Refusal = {
  kind: 'refusal',
  httpStatus: 403,
  code: 'DUPLICATED_REF',
  message: 'This reference ID is already in use',
};
