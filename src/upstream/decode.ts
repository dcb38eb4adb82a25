import * as z from 'zod';
import { parseOrderId } from '../core/order-id.ts';
import { type Observation, statusOf } from '../core/topup.ts';
import type { KeyFacts } from './answer.ts';

/**
 * Decodes the upstream's JSON into observations. Strict about the envelope and the status, tolerant of the rest: the
 * upstream marks no other field as required, so each may be missing, `null` or of another type.
 */

/** In characters. A text is stored with each snapshot, and sent as often as a query names its order. */
const LONGEST_TEXT = 10_000;

const text = z
  // `JSON.parse` rounds an integer beyond 2^53, so its last digits are wrong: no card code is better than a wrong one.
  .union([z.string().max(LONGEST_TEXT), z.int().transform(String)])
  .transform((value) => (value === '' ? null : value))
  .nullable()
  .default(null)
  .catch(null);

const amount = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^\d+(\.\d+)?$/)
      .transform(Number)
      // Some hundred digits make `Infinity`.
      .refine(Number.isFinite),
  ])
  .nullable()
  .default(null)
  .catch(null);

const LATEST_TIME = Date.UTC(9999, 11, 31);

/** `Date.parse` takes far more, such as `-1` or a word and a number, which it makes the year 2001. */
const ISO_TIME =
  /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?$/i;

/** No order is from beyond these bounds, and not every such time can be written as a date again, to ask for a list. */
const time = z
  .string()
  .transform(parseTime)
  .refine((value) => value >= 0 && value <= LATEST_TIME)
  .nullable()
  .default(null)
  .catch(null);

/**
 * Unix milliseconds; `NaN` for what is no time. One without a zone is UTC, as theirs are, whatever the machine's is.
 */
function parseTime(text: string): number {
  const [, day, time, zone = 'Z'] = ISO_TIME.exec(text) ?? [];
  return Date.parse(`${day}T${time}${zone}`);
}

/** A known status in other letters is that status: an order whose end is not understood is polled for a week. */
const status = z
  .string()
  .min(1)
  .max(64)
  .transform((word) => (statusOf(word.toUpperCase()) === 'UNKNOWN' ? word : word.toUpperCase()));

const topupSchema = z.object({
  _id: z.string().min(1).nullish(),
  status,
  ref: text,
  type: text,
  number: text,
  topup_amount: amount,
  card_code: text,
  num_trans: text,
  date_traitement: time,
  refund_message: text,
  created_at: time,
});

const envelopeSchema = z.union([
  z.object({ success: z.literal(true), data: z.unknown() }),
  z.object({
    success: z.literal(false),
    error: z.object({ code: z.string() }).optional().catch(undefined),
  }),
]);

const rowsSchema = z.array(z.unknown());
const listSchema = z.union([
  z.object({ topups: rowsSchema }).transform(({ topups }) => topups),
  z.object({ items: rowsSchema }).transform(({ items }) => items),
]);

/** Only a word in capital letters, as theirs are. It goes into the log, and the key itself is in the same object. */
const word = z
  .string()
  .regex(/^[A-Z][A-Z_-]{0,39}$/)
  .optional()
  .catch(undefined);

const keyFactsSchema = z.object({
  type: word,
  scope: word,
  isEnabled: z.boolean().optional().catch(undefined),
});

/** The documentation does not say whether these are in the data itself or in its `apiKey`. */
const keySchema = z.union([
  z.object({ apiKey: keyFactsSchema }).transform(({ apiKey }) => apiKey),
  keyFactsSchema,
]);

export type Envelope = z.infer<typeof envelopeSchema>;

/** `undefined` for anything but the upstream's own envelope, such as its router's 404 or a proxy's error page. */
export function decodeEnvelope(body: unknown): Envelope | undefined {
  return envelopeSchema.safeParse(body).data;
}

/** A decoded order; `orderId` is `undefined` if the upstream left the id out. */
type Decoded = Omit<Observation, 'orderId'> & { readonly orderId: string | undefined };

export function decodeTopup(data: unknown, observedAt: number): Decoded | undefined {
  const topup = topupSchema.safeParse(data).data;
  if (topup === undefined) return undefined;
  return {
    orderId: topup._id ?? undefined,
    upstreamStatus: topup.status,
    observedAt,
    ref: topup.ref,
    type: topup.type,
    number: topup.number,
    amount: topup.topup_amount,
    cardCode: topup.card_code,
    transactionNumber: topup.num_trans,
    processedAt: topup.date_traitement,
    refundMessage: topup.refund_message,
    createdAt: topup.created_at,
  };
}

/**
 * The orders of a list, whose rows may be named `topups` or `items`. `rows` counts all rows; `observations` leaves
 * out rows without an id or a status. `undefined` if `data` is no list.
 */
export function decodeList(
  data: unknown,
  observedAt: number,
): { readonly observations: readonly Observation[]; readonly rows: number } | undefined {
  const rows = listSchema.safeParse(data).data;
  if (rows === undefined) return undefined;
  const observations = rows.flatMap((row) => {
    const decoded = decodeTopup(row, observedAt);
    const orderId = parseOrderId(decoded?.orderId ?? '');
    return decoded === undefined || orderId === undefined ? [] : [{ ...decoded, orderId }];
  });
  return { observations, rows: rows.length };
}

/** `undefined` if `data` is no object. */
export function decodeKey(data: unknown): KeyFacts | undefined {
  const facts = keySchema.safeParse(data).data;
  return facts && { type: facts.type, scope: facts.scope, isEnabled: facts.isEnabled };
}
