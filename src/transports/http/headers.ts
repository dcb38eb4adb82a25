import type { ServerResponse } from 'node:http';

/**
 * Set on every response. A response that is not a page needs no permission from a browser. Strict-Transport-Security is
 * left to the proxy that terminates TLS.
 */
const HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  // Does not affect the allowed pages of other origins: they read responses by CORS.
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

/** Name, value, name, value, … */
export const SECURITY_HEADERS: readonly string[] = Object.entries(HEADERS).flat();

export function setSecurityHeaders(response: ServerResponse): void {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
}
