import type { IncomingHttpHeaders } from 'node:http';

/**
 * Whether a WebSocket may be opened. Browsers send the origin of the page and leave the decision to us:
 * the gateway's own pages may, and those that the configuration names. Other programs send no origin.
 */
export function isAllowedOrigin(
  { origin, host }: { readonly origin: string | undefined; readonly host: string | undefined },
  allowed: readonly string[],
): boolean {
  if (origin === undefined || allowed.includes(origin)) return true;
  return host !== undefined && URL.parse(origin)?.host === host;
}

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Whether a request is meant for a gateway that listens on a loopback address. A page elsewhere can have its
 * own name point to 127.0.0.1 (DNS rebinding), and then its origin is ours; only the `Host` gives it away.
 */
export function isExpectedHost(
  host: string | undefined,
  {
    boundTo,
    allowedOrigins,
  }: { readonly boundTo: string; readonly allowedOrigins: readonly string[] },
): boolean {
  const isLoopback = [...LOOPBACK_NAMES, '::1'].includes(boundTo);
  // HTTP/1.0 has no `Host`, and browsers do not speak it.
  if (!isLoopback || host === undefined) return true;
  const asked = URL.parse(`http://${host}`);
  if (asked === null) return false;
  if (LOOPBACK_NAMES.includes(asked.hostname)) return true;
  return allowedOrigins.some((origin) => URL.parse(origin)?.host === host);
}

/**
 * Whether a browser sends this for a page that may not use the gateway. The page could not read the answer, but it
 * could have it made: by a form, an image, a script. What is no browser sends none of these headers.
 */
export function isFromForeignPage(
  headers: IncomingHttpHeaders,
  allowed: readonly string[],
): boolean {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (origin === undefined) return site === 'cross-site' || site === 'same-site';
  // A proxy may have changed the `Host`; no page can say this of itself.
  return site !== 'same-origin' && !isAllowedOrigin({ origin, host }, allowed);
}
