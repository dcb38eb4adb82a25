export const LONGEST_RETRY_AFTER_MS = 60 * 60 * 1_000;

/**
 * Parses a `Retry-After` header, in seconds or as an HTTP date (RFC 9110, 10.2.3), into milliseconds from `now`. At
 * most an hour, so that a mistake of the upstream cannot stop the gateway for good. `undefined` if the header is
 * missing or malformed.
 */
export function parseRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const value = header.trim();
  const waitMs = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - now;
  if (Number.isNaN(waitMs)) return undefined;
  return Math.min(Math.max(Math.ceil(waitMs), 0), LONGEST_RETRY_AFTER_MS);
}
