import type { ServerResponse } from 'node:http';

/**
 * On every answer. What is no page needs nothing at all from a browser. Without Strict-Transport-Security:
 * TLS, and so the promise of it, is the proxy's.
 */
const HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  // Pages of other origins that may read an answer do so by CORS, which this leaves alone.
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

/** Name, value, name, value, … */
export const SECURITY_HEADERS: readonly string[] = Object.entries(HEADERS).flat();

export function setSecurityHeaders(response: ServerResponse): void {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
}
