import type { IncomingMessage } from 'node:http';

export const GRAPHQL_PATH = '/graphql';

/** The path without the query string, which may contain order ids or anything else that a client puts there. */
export function pathOf({ url = '/' }: IncomingMessage): string | undefined {
  return url.split('?', 1)[0];
}
