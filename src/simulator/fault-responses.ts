import type { Clock } from '../core/ports.ts';
import type { Answer, Refusal, WireTopup } from './answer.ts';
import type { Fault, FaultName } from './faults.ts';
import { NOT_FOUND } from './operations.ts';
import { throttled } from './rate-limit.ts';
import { ConnectionReset, longBody, pause, stalledBody, untilAborted } from './transport.ts';

interface FaultContext {
  readonly fault: Fault;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  /** Makes the answer of a healthy upstream. Called as late as possible, since an order may change meanwhile. */
  readonly healthy: () => Answer;
  readonly render: (answer: Answer) => Response;
}

type Performer = (context: FaultContext) => Response | Promise<Response>;

/** Makes the response of a call with a fault. Rejects if the fault breaks the connection or the call is aborted. */
export async function perform(context: FaultContext): Promise<Response> {
  return PERFORMERS[context.fault.fault](context);
}

const TOO_LARGE_BYTES = 50_000_000;
const DEFAULT_DELAY_MS = 1_000;
const DEFAULT_RETRY_AFTER_SECONDS = 5;

const PERFORMERS: Readonly<Record<FaultName, Performer>> = {
  hang: ({ signal }) => untilAborted(signal),
  hangBody: ({ signal }) => json(stalledBody('{"success":true,"data":{', signal)),
  slow: async ({ fault, clock, signal, healthy, render }) => {
    await pause(clock, fault.delayMs ?? DEFAULT_DELAY_MS, signal);
    return render(healthy());
  },
  connectionReset: () => Promise.reject(new ConnectionReset()),
  truncated: async ({ healthy, render }) => {
    const whole = await render(healthy()).text();
    return json(whole.slice(0, Math.floor(whole.length / 2)));
  },
  tooLarge: ({ fault, signal }) =>
    json(
      longBody(TOO_LARGE_BYTES, signal),
      fault.announced === true ? { 'content-length': String(TOO_LARGE_BYTES) } : {},
    ),

  html: () => page(502, 'Bad Gateway'),
  htmlOk: () => page(200, 'Welcome'),
  routerMiss: ({ render }) =>
    render({ kind: 'routerMiss', method: 'GET', path: '/v3/internet/check-id' }),

  throttled: ({ fault, render }) =>
    render(throttled(fault.retryAfterSeconds ?? DEFAULT_RETRY_AFTER_SECONDS)),
  throttledBare: ({ render }) => render(throttled()),
  badRequest: refuse({ httpStatus: 400, code: 'ERR_VALIDATION', message: 'Invalid id' }),
  // Does not count as a bad key of the caller.
  unauthorized: refuse({
    httpStatus: 401,
    code: 'INVALID_ACCESS_TOKEN',
    message: 'The provided access token is invalid',
    details: { attemptsLeft: 4 },
  }),
  forbidden: refuse({
    httpStatus: 403,
    code: 'IP_NOT_ALLOWED',
    message: 'Your IP is not allowed to use this key',
  }),
  outOfScope: refuse({
    httpStatus: 403,
    code: 'INSUFFICIENT_SCOPE',
    message: 'Your key may not make this call',
  }),
  notFound: refuse(NOT_FOUND),
  serverError: refuse({ httpStatus: 500, code: 'INTERNAL_ERROR', message: 'Internal error' }),
  unavailable: (context) =>
    refuse({
      httpStatus: 503,
      code: 'SERVICE_UNAVAILABLE',
      message: 'Service temporarily unavailable',
      retryAfterSeconds: context.fault.retryAfterSeconds,
    })(context),
  authUnavailable: refuse({
    httpStatus: 503,
    code: 'AUTH_UNAVAILABLE',
    message: 'The access token could not be checked',
  }),

  otherId: distort((topup) => ({ ...topup, _id: otherIdThan(String(topup['_id'])) })),
  missingFields: distort(({ _id, status }) => ({ _id, status })),
  nullFields: distort((topup) => {
    const nulls = Object.fromEntries(Object.keys(topup).map((name) => [name, null]));
    return { ...nulls, _id: topup['_id'], status: topup['status'] };
  }),
  type4GLTE: distort((topup) => ({ ...topup, type: '4GLTE' })),
  maskedCards: distort((topup) => {
    const { card_code } = topup;
    return typeof card_code === 'string'
      ? { ...topup, card_code: card_code.replace(/.(?=.{4})/g, '*') }
      : topup;
  }),
  unknownStatus: distort((topup) => ({ ...topup, status: 'ESCALATED' })),
  noData: ({ healthy, render }) => {
    const answer = healthy();
    return render(answer.kind === 'refusal' ? answer : { kind: 'success', data: undefined });
  },
  items: ({ healthy, render }) => {
    const answer = healthy();
    return render(answer.kind === 'list' ? { ...answer, rowsName: 'items' } : answer);
  },
};

function refuse(refusal: Omit<Refusal, 'kind'>): Performer {
  return ({ render }) => render({ ...refusal, kind: 'refusal' });
}

/** Changes each top-up of an answer. */
function distort(change: (topup: WireTopup) => WireTopup): Performer {
  return ({ healthy, render }) => {
    const answer = healthy();
    if (answer.kind === 'topup') return render({ ...answer, topup: change(answer.topup) });
    if (answer.kind === 'list') return render({ ...answer, topups: answer.topups.map(change) });
    return render(answer);
  };
}

function otherIdThan(id: string): string {
  return id.slice(0, -1) + (id.endsWith('0') ? '1' : '0');
}

function json(body: string | ReadableStream, headers: Record<string, string> = {}): Response {
  return new Response(body, { headers: { 'content-type': 'application/json', ...headers } });
}

function page(status: number, title: string): Response {
  const body = `<!doctype html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`;
  return new Response(body, { status, headers: { 'content-type': 'text/html' } });
}
