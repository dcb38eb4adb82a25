const LONGEST_RETRY_AFTER_MS = 60 * 60 * 1_000;

/** RFC 9110, 5.6.7: all three forms begin with the name of a day. `Date.parse` takes far more, such as `-5`. */
const HTTP_DATE = /^[A-Z][a-z]{2,8},? /;

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
    : (parseDate(value) ?? Number.NaN) - (parseDate(sentAt ?? '') ?? now);
  if (Number.isNaN(waitMs)) return undefined;
  return Math.min(Math.max(Math.ceil(waitMs), 0), LONGEST_RETRY_AFTER_MS);
}

function parseDate(text: string): number | undefined {
  const time = HTTP_DATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
