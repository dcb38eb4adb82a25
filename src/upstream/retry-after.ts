import { parseHttpDate } from './http-date.ts';

const LONGEST_RETRY_AFTER_MS = 60 * 60 * 1_000;

/**
 * Parses a `Retry-After` header, in seconds or as an HTTP date (RFC 9110, 10.2.3), into milliseconds to wait. A date
 * counts from `sentAt`, the response's own `Date` header, since our clock may differ from the upstream's; without that,
 * from `now`. At most an hour, so that a mistake of the upstream cannot stop the gateway for good. `undefined` if the
 * header is missing or malformed.
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
  return Math.min(Math.max(Math.ceil(waitMs), 0), LONGEST_RETRY_AFTER_MS);
}
