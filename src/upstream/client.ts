import { atMost } from '../core/at-most.ts';
import { loggedError } from '../core/logged-error.ts';
import { parseOrderId } from '../core/order-id.ts';
import { parseJson } from '../core/parse-json.ts';
import type { Clock, Fetch, Logger } from '../core/ports.ts';
import type { Window } from '../core/store.ts';
import type { Telemetry, UpstreamOperation } from '../core/telemetry.ts';
import type { Answer, CheckAnswer, Failure, KeyAnswer, ListAnswer } from './answer.ts';
import { readBody } from './body.ts';
import { callLog } from './call-log.ts';
import { clockDifference } from './clock-difference.ts';
import { decodeEnvelope, decodeKey, decodeList, decodeTopup, type Envelope } from './decode.ts';
import { Patience } from './patience.ts';
import { parseRetryAfter } from './retry-after.ts';

interface UpstreamClientOptions {
  readonly baseUrl: string;
  readonly apiKey: string;
  /** From the start of a call to the end of its body. */
  readonly timeoutMs: number;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
}

/** Each call makes exactly one request. The client never retries, since every request counts against the key. */
export interface UpstreamClient {
  /**
   * Given up, as `slow`, if it takes much longer than checks usually do; so is a list. One that `isPatient` may take as
   * long as any call.
   */
  check(orderId: string, options?: { readonly isPatient: boolean }): Promise<CheckAnswer>;
  /** Up to `PAGE_SIZE` of the orders that were created in this window. */
  list(window: Window): Promise<ListAnswer>;
  /** Asks what the key is allowed. An aborted call has failed, like one that timed out. */
  validate(signal: AbortSignal): Promise<KeyAnswer>;
}

/** A response before its data is decoded. */
type Reply =
  | { readonly kind: 'reply'; readonly httpStatus: number; readonly envelope: Envelope }
  | Failure;

/** The most rows that the upstream shows on a page. */
export const PAGE_SIZE = 100;

/** Less than a query waits, since the first queries wait for this call; no order depends on its answer. */
const LONGEST_VALIDATE_MS = 3_000;

/** How long the code of a refusal is waited for, while other calls may still start. */
const LONGEST_REFUSAL_MS = 1_000;

export function createUpstreamClient(given: UpstreamClientOptions): UpstreamClient {
  const options = { ...given, tell: callLog(given), compareClocks: clockDifference(given) };
  const forChecks = new Patience(given.timeoutMs);
  const forLists = new Patience(given.timeoutMs);
  return {
    async check(orderId, { isPatient } = { isPatient: false }) {
      const path = `/v3/internet/check-id/${encodeURIComponent(orderId)}`;
      const check = {
        operation: 'check-id',
        path,
        orderId,
        patience: forChecks,
        isPatient,
      } as const;
      return call(options, check, (reply, times) => toCheckAnswer(reply, orderId, times));
    },
    async list({ from, to }) {
      const query = new URLSearchParams({
        page: '1',
        pageSize: String(PAGE_SIZE),
        from: new Date(from).toISOString(),
        to: new Date(to).toISOString(),
      });
      const path = `/v3/internet/list?${query}`;
      return call(options, { operation: 'list', path, patience: forLists }, toListAnswer);
    },
    async validate(signal) {
      const timeoutMs = Math.min(options.timeoutMs, LONGEST_VALIDATE_MS);
      const validate = { operation: 'validate', path: '/v3/validate', signal } as const;
      return call({ ...options, timeoutMs }, validate, toKeyAnswer);
    },
  };
}

interface CallOptions extends UpstreamClientOptions {
  readonly tell: ReturnType<typeof callLog>;
  readonly compareClocks: ReturnType<typeof clockDifference>;
}

interface Call {
  readonly operation: UpstreamOperation;
  readonly path: string;
  readonly orderId?: string;
  readonly signal?: AbortSignal;
  /** What is known of how long such calls take. */
  readonly patience?: Patience;
  /** Whether it may take as long as any call all the same. */
  readonly isPatient?: boolean;
}

/** When one call started and was answered. Unix milliseconds. */
interface Times {
  readonly askedAt: number;
  readonly answeredAt: number;
}

/** Makes the call and reports its outcome to the log and the metrics, never the body. */
async function call<Kind extends Answer>(
  options: CallOptions,
  made: Call,
  read: (reply: Reply, times: Times) => Kind,
): Promise<Kind> {
  const { clock } = options;
  const { operation, orderId } = made;
  const [askedAt, startedAt] = [clock.now(), clock.steady()];
  const reply = await requestPatiently(options, made);
  const answer = read(reply, { askedAt, answeredAt: clock.now() });
  const durationMs = clock.steady() - startedAt;
  const outcome = answer.kind === 'failed' ? answer.reason : answer.kind;
  options.telemetry.upstreamCall({ operation, outcome, durationMs });
  const httpStatus = 'httpStatus' in reply ? reply.httpStatus : undefined;
  const fields = { operation, orderId, outcome, httpStatus, code: codeOf(reply), durationMs };
  options.tell(fields, isTrouble(operation, answer));
  return answer;
}

/** Whether a call has failed in a way that is news. An environment may lack `validate`, and no order needs it. */
function isTrouble(operation: UpstreamOperation, answer: Answer): boolean {
  if (answer.kind !== 'failed' || answer.reason === 'aborted') return false;
  return operation !== 'validate' || answer.httpStatus === undefined;
}

/** Distinguishes an unknown key from a blocked address, and an unknown host name from a closed port. */
function codeOf(reply: Reply): string | undefined {
  if (reply.kind === 'refused') return reply.upstreamCode;
  return reply.kind === 'failed' ? reply.networkCode : undefined;
}

/** Makes the request, and gives it up before the time that any call may take if it has become hopeless. */
async function requestPatiently(
  options: CallOptions,
  { path, signal, patience, isPatient = false }: Call,
): Promise<Reply> {
  const { clock, timeoutMs: mostMs } = options;
  const timeoutMs = patience === undefined || isPatient ? mostMs : patience.ms;
  const startedAt = clock.steady();
  const reply = await request({ ...options, timeoutMs }, path, signal);
  if (reply.kind === 'reply') patience?.answered(clock.steady() - startedAt);
  if (reply.kind !== 'failed' || reply.reason !== 'timeout') return reply;
  patience?.gaveUp(timeoutMs);
  return timeoutMs < mostMs ? { kind: 'failed', reason: 'slow' } : reply;
}

async function request(options: CallOptions, path: string, given?: AbortSignal): Promise<Reply> {
  const timeout = new AbortController();
  const timer = options.clock.after(options.timeoutMs, () => timeout.abort());
  const signal = given === undefined ? timeout.signal : AbortSignal.any([timeout.signal, given]);
  try {
    const response = await options.fetch(new URL(path, options.baseUrl), {
      headers: { 'x-access-token': options.apiKey, accept: 'application/json' },
      signal,
      // Following a redirect would send the key to its target.
      redirect: 'manual',
    });
    options.compareClocks(response.headers.get('date'));
    return await toReply(response, options);
  } catch (error) {
    if (given?.aborted) return { kind: 'failed', reason: 'aborted' };
    if (timeout.signal.aborted) return { kind: 'failed', reason: 'timeout' };
    const { code, error: name } = loggedError(error);
    return { kind: 'failed', reason: 'network', networkCode: code ?? name };
  } finally {
    timer.cancel();
    // Of a refusal the body may still be on its way, and nobody waits for it.
    timeout.abort();
  }
}

async function toReply(
  response: Response,
  { clock, apiKey }: Pick<UpstreamClientOptions, 'clock' | 'apiKey'>,
): Promise<Reply> {
  const httpStatus = response.status;
  const { headers } = response;
  const sentAt = headers.get('date');
  const retryAfterMs = parseRetryAfter(headers.get('retry-after'), {
    sentAt,
    now: clock.now(),
  });
  // The status alone decides, at once: no other call may start meanwhile.
  if (httpStatus === 429) return { kind: 'throttled', retryAfterMs };
  if (httpStatus === 401 || httpStatus === 403) {
    const body = await briefly(response, clock);
    return { kind: 'refused', httpStatus, upstreamCode: upstreamCodeOf(decodeBody(body, apiKey)) };
  }
  const body = await readBody(response);
  if (body === undefined) return { kind: 'failed', reason: 'too_large', httpStatus };
  if (httpStatus >= 500 || (httpStatus >= 300 && httpStatus < 400)) {
    return { kind: 'failed', reason: 'http_status', httpStatus, retryAfterMs };
  }
  const envelope = decodeBody(body, apiKey);
  if (envelope === undefined) return { kind: 'failed', reason: 'unreadable', httpStatus };
  return { kind: 'reply', httpStatus, envelope };
}

/** The body of a refusal, which is one with a truncated body, and without: then `undefined`, as after a second. */
async function briefly(response: Response, clock: Clock): Promise<string | undefined> {
  let body: string | undefined;
  const reading = readBody(response).then(
    (text) => {
      body = text;
    },
    () => undefined,
  );
  await atMost(LONGEST_REFUSAL_MS, reading, clock);
  return body;
}

function decodeBody(body: string | undefined, apiKey: string): Envelope | undefined {
  return body === undefined ? undefined : decodeEnvelope(withoutKey(parseJson(body), apiKey));
}

/** A text of the upstream may hold a shorter key by chance. */
const SHORTEST_KEY = 16;

/**
 * The value without the texts that hold the key. An upstream that repeats the headers of a request, in a message or in
 * a reference, must not have the key stored, and sent to whoever asks for that order.
 */
function withoutKey(value: unknown, key: string): unknown {
  if (key.length < SHORTEST_KEY || !JSON.stringify(value)?.includes(key)) return value;
  return JSON.parse(JSON.stringify(value), (_name, part: unknown) =>
    typeof part === 'string' && part.includes(key) ? null : part,
  );
}

/** The upstream's error code, which goes into a log line; `undefined` for anything that does not look like a code. */
function upstreamCodeOf(envelope: Envelope | undefined): string | undefined {
  const code = envelope?.success === false ? envelope.error?.code : undefined;
  return code !== undefined && /^[A-Z][A-Z_-]{2,39}$/.test(code) ? code : undefined;
}

/** Only with the upstream's own envelope: its router also answers an unknown path with a 404, without an envelope. */
function saysUnknown({ envelope, httpStatus }: Extract<Reply, { kind: 'reply' }>): boolean {
  if (httpStatus === 404) return true;
  return !envelope.success && (httpStatus === 400 || envelope.error?.code === 'NOT_FOUND');
}

function toCheckAnswer(reply: Reply, orderId: string, { askedAt, answeredAt }: Times): CheckAnswer {
  if (reply.kind !== 'reply') return reply;
  const { envelope, httpStatus } = reply;
  if (saysUnknown(reply)) return { kind: 'unknown' };
  if (!envelope.success) return { kind: 'failed', reason: 'http_status', httpStatus };
  const topup = decodeTopup(envelope.data, answeredAt);
  if (topup === undefined) return { kind: 'failed', reason: 'unreadable', httpStatus };
  if (topup.orderId !== undefined && parseOrderId(topup.orderId) !== orderId) {
    return { kind: 'failed', reason: 'wrong_order', httpStatus };
  }
  return { kind: 'observed', observation: { ...topup, orderId }, askedAt };
}

/** Words in the codes of refusals that are about the key or our address, whatever is asked. */
const OF_KEY = /TOKEN|KEY|AUTH|IP_|API_|ACCOUNT|BLOCKED|DISABLED/;

/**
 * A key may be good for checks and not for this call. If it is good for nothing, the next check tells. Without a code
 * it may be a proxy that blocks us.
 */
function unlessForbidden(reply: Reply): Reply {
  if (reply.kind !== 'refused' || reply.httpStatus !== 403) return reply;
  const { httpStatus, upstreamCode } = reply;
  if (upstreamCode === undefined || OF_KEY.test(upstreamCode)) return reply;
  return { kind: 'failed', reason: 'forbidden', httpStatus };
}

function toListAnswer(given: Reply, { askedAt, answeredAt }: Times): ListAnswer {
  const reply = unlessForbidden(given);
  if (reply.kind !== 'reply') return reply;
  const { envelope, httpStatus } = reply;
  if (!envelope.success) return { kind: 'failed', reason: 'http_status', httpStatus };
  const list = decodeList(envelope.data, answeredAt);
  return list === undefined
    ? { kind: 'failed', reason: 'unreadable', httpStatus }
    : { kind: 'listed', ...list, askedAt };
}

function toKeyAnswer(given: Reply): KeyAnswer {
  const reply = unlessForbidden(given);
  if (reply.kind !== 'reply') return reply;
  const { envelope, httpStatus } = reply;
  if (!envelope.success) return { kind: 'failed', reason: 'http_status', httpStatus };
  const key = decodeKey(envelope.data);
  return key === undefined
    ? { kind: 'failed', reason: 'unreadable', httpStatus }
    : { kind: 'validated', key };
}
