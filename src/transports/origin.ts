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
