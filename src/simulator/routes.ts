export const OPERATIONS = ['check-id', 'check-ref', 'list', 'send', 'validate'] as const;

/** The upstream's operations, named by the last fixed segment of their path. */
export type Operation = (typeof OPERATIONS)[number];

export interface Route {
  readonly operation: Operation;
  /** The id or the reference in the path, decoded; empty for calls without one. */
  readonly subject: string;
}

const ROUTES: readonly {
  readonly operation: Operation;
  readonly method: string;
  readonly path: RegExp;
}[] = [
  { operation: 'check-id', method: 'GET', path: /^\/v3\/internet\/check-id\/([^/]+)$/ },
  { operation: 'check-ref', method: 'GET', path: /^\/v3\/internet\/check-ref\/([^/]+)$/ },
  { operation: 'list', method: 'GET', path: /^\/v3\/internet\/list$/ },
  { operation: 'send', method: 'POST', path: /^\/v3\/internet\/send$/ },
  { operation: 'validate', method: 'GET', path: /^\/v3\/validate$/ },
];

/** `undefined` for a request that the upstream's router does not know. */
export function routeOf(method: string, pathname: string): Route | undefined {
  for (const { operation, ...route } of ROUTES) {
    const match = route.method === method ? route.path.exec(pathname) : null;
    if (match === null) continue;
    const subject = decode(match[1] ?? '');
    return subject === undefined ? undefined : { operation, subject };
  }
  return undefined;
}

/** `undefined` for malformed percent-encoding. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
