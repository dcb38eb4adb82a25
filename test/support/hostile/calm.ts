import type { CallEnd, RecordedCall } from './record.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/** For a 429 that does not say how long. */
export const THROTTLED_MS = 15 * SECOND_MS;
export const REFUSED_MS = 15 * MINUTE_MS;

/** The longest pause after failures in a row, and the longest that a 503 is given. */
const LONGEST_BREAK_MS = MINUTE_MS;
const LONGEST_UNAVAILABLE_MS = 5 * MINUTE_MS;

/** For how long no call may start after this answer: what the upstream imposes. 0 for an answer that imposes nothing. */
export function imposedMs({ outcome, retryAfterMs }: CallEnd): number {
  if (outcome === 401 || outcome === 403) return REFUSED_MS;
  return outcome === 429 ? (retryAfterMs ?? THROTTLED_MS) : 0;
}

/** When the gateway has no reason left to hold back: all that was imposed is over, and its own pauses too. */
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
