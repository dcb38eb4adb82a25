import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** Headers that change how a request is read, or on which the answer depends although `usualHead` leaves them out. */
const UNUSUAL = [
  'content-encoding',
  'transfer-encoding',
  'expect',
  'access-control-request-method',
  'access-control-request-headers',
  'upgrade',
] as const;

/**
 * Everything in a request that the answer may depend on, except the body and the ticket, as one string. `undefined` for
 * a request of an unusual kind, whose answer is never kept. Nor are events, so `Last-Event-ID` is left out.
 */
export function usualHead(request: IncomingMessage, path: string): string | undefined {
  const { method, url = '', headers } = request;
  const isUsual =
    method === 'POST'
      ? url === path && isUsualPost(headers)
      : method === 'GET' && url.startsWith(`${path}?`) && isUsualGet(headers);
  if (!isUsual || !hasOneName(request) || UNUSUAL.some((name) => headers[name] !== undefined))
    return undefined;
  const { host = '', accept = '', origin = '', 'content-type': type = '' } = headers;
  const site = headers['sec-fetch-site'] ?? '';
  // Headers cannot contain line breaks, so no two requests run together to the same text.
  return `${method} ${url}\n${host}\n${type}\n${accept}\n${origin}\n${site}\n`;
}

/**
 * Whether there is exactly one `Host` header. With none or two, more than its value decides whether the request is
 * meant for this gateway.
 */
function hasOneName({ rawHeaders }: IncomingMessage): boolean {
  let names = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    if (name?.length === 4 && name.toLowerCase() === 'host') names += 1;
  }
  return names === 1;
}

function isUsualPost(headers: IncomingHttpHeaders): boolean {
  const isJson = headers['content-type']?.startsWith('application/json') ?? false;
  return isJson && headers['content-length'] !== undefined;
}

function isUsualGet(headers: IncomingHttpHeaders): boolean {
  const wantsPage = headers.accept?.includes('text/html') ?? false;
  return !wantsPage && headers['content-length'] === undefined;
}
