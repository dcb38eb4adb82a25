import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { isLoopback } from '../core/loopback.ts';

/**
 * Whether a WebSocket may be opened. Browsers send the origin of the page and leave the decision to the server, which
 * allows its own pages and the configured origins. Other programs send no origin, and are allowed.
 */
export function isAllowedOrigin(
  { origin, host }: { readonly origin: string | undefined; readonly host: string | undefined },
  allowed: readonly string[],
): boolean {
  if (origin === undefined || allowed.includes(origin)) return true;
  return host !== undefined && URL.parse(origin)?.host === host;
}

/** Under which names the gateway may be asked. */
export interface Names {
  /** The address that it listens on. */
  readonly host: string;
  readonly allowedOrigins: readonly string[];
  /** Whether requests may have any `Host`, since something else says who may ask. */
  readonly anyHost: boolean;
}

/**
 * Whether a request is meant for this gateway; checked only on a loopback address, and where nobody is asked for a
 * ticket. A foreign page can have its own host name resolve to 127.0.0.1 (DNS rebinding). Its requests are then
 * same-origin, and only `Host` gives them away. They never have a ticket: the browser keeps none.
 */
export function isForUs({ headers, headersDistinct }: IncomingMessage, names: Names): boolean {
  // Of two `Host` headers, one may name another server.
  if ((headersDistinct['host']?.length ?? 0) > 1) return false;
  return names.anyHost || isExpectedHost(headers.host, names);
}

function isExpectedHost(host: string | undefined, names: Names): boolean {
  // HTTP/1.0 has no `Host`, and browsers do not speak it.
  if (!isLoopback(names.host) || host === undefined) return true;
  const asked = URL.parse(`http://${host}`);
  if (asked === null) return false;
  if (isLoopback(asked.hostname)) return true;
  return names.allowedOrigins.some((origin) => URL.parse(origin)?.host === host);
}

/** Headers for a response that Yoga does not write, and that a page of an allowed origin is to read. */
export function corsHeadersFor(
  { origin }: IncomingHttpHeaders,
  allowed: readonly string[],
): OutgoingHttpHeaders {
  if (origin === undefined || !allowed.includes(origin)) return {};
  return { 'access-control-allow-origin': origin, vary: 'Origin' };
}

/**
 * Whether a browser sends this request for a page that may not use the gateway. The page could not read the response,
 * but it could cause the request: by a form, an image, a script. Only browsers send these headers.
 */
export function isFromForeignPage(
  headers: IncomingHttpHeaders,
  allowed: readonly string[],
): boolean {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (origin === undefined) return site === 'cross-site' || site === 'same-site';
  // `same-origin` holds even if a proxy has changed `Host`: no page can set `sec-fetch-site` itself.
  return site !== 'same-origin' && !isAllowedOrigin({ origin, host }, allowed);
}
