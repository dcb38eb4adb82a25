import type { IncomingMessage } from 'node:http';

export const GRAPHQL_PATH = '/graphql';

/** The path without the query string, which may contain order ids or anything else that a client puts there. */
export function pathOf({ url = '/' }: IncomingMessage): string | undefined {
  return url.split('?', 1)[0];
}

/**
 * Whether `Host` and the path make an address. The path may be `*`, or a whole address, as proxies are asked by one.
 */
export function hasAddress({ url = '/', headers }: IncomingMessage): boolean {
  return URL.canParse(`http://${headers.host || 'localhost:80'}${url}`);
}
