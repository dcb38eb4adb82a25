import type { CallEnd, RecordedCall } from './record.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/** The wait after a 429 without a `Retry-After`. */
const THROTTLED_MS = 15 * SECOND_MS;
const REFUSED_MS = 15 * MINUTE_MS;

/** The gateway's longest pause after consecutive failures, and after a 503 with a `Retry-After`. */
const LONGEST_BREAK_MS = MINUTE_MS;
const LONGEST_UNAVAILABLE_MS = 5 * MINUTE_MS;

/** How long the upstream forbids calls with this answer, in milliseconds; 0 for an answer that imposes no wait. */
export function imposedMs({ outcome, retryAfterMs }: CallEnd): number {
  if (outcome === 401 || outcome === 403) return REFUSED_MS;
  return outcome === 429 ? (retryAfterMs ?? THROTTLED_MS) : 0;
}

/** When the gateway has no reason left to hold back calls: all imposed waits and its own pauses are over. */
export function calmAfter(calls: readonly RecordedCall[]): number {
  return calls.reduce(
    (latest, { end }) => Math.max(latest, end === undefined ? 0 : quietUntil(end)),
    0,
  );
}

function quietUntil(end: CallEnd): number {
  if (!end.isFaulty && end.outcome === 200) return end.at;
  const unavailableMs = Math.min(end.retryAfterMs ?? 0, LONGEST_UNAVAILABLE_MS);
  return end.at + Math.max(imposedMs(end), LONGEST_BREAK_MS, unavailableMs);
}
