import { HOUR_MS, SECOND_MS } from '../core/durations.ts';
import { parseHttpDate } from './http-date.ts';

/** At most an hour, so that a mistake of the upstream cannot stop the gateway for good. */
const LONGEST_RETRY_AFTER_MS = HOUR_MS;
/** A zero, or a date that is now, would have calls refused one after the other. */
const SHORTEST_RETRY_AFTER_MS = SECOND_MS;

/**
 * Parses a `Retry-After` header, in seconds or as an HTTP date (RFC 9110, 10.2.3), into milliseconds to wait. A date
 * counts from `sentAt`, the response's own `Date` header, since our clock may differ from the upstream's; without that,
 * from `now`. Between a second and an hour. `undefined` if the header is missing or malformed.
 */
export function parseRetryAfter(
  header: string | null,
  { sentAt, now }: { readonly sentAt: string | null; readonly now: number },
): number | undefined {
  const value = header?.trim() ?? '';
  const waitMs = /^\d+(\.\d+)?$/.test(value)
    ? Number(value) * 1_000
    : (parseHttpDate(value) ?? Number.NaN) - (parseHttpDate(sentAt ?? '') ?? now);
  if (Number.isNaN(waitMs)) return undefined;
  return Math.min(Math.max(Math.ceil(waitMs), SHORTEST_RETRY_AFTER_MS), LONGEST_RETRY_AFTER_MS);
}
