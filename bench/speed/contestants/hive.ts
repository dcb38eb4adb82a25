/** Hive Gateway in front of the upstream's GraphQL, with its response cache and request deduplication. */
import { createServer } from 'node:http';
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime';
import { SDL } from '../rows.ts';
import { listen, upstreamUrl } from './common.ts';

const LONG_MS = 3_600_000;

/** The minimal store for Hive's caches. */
class MemoryCache {
  readonly #entries = new Map<string, unknown>();

  get<T>(key: string): T | undefined {
    return Object(this.#entries.get(key) ?? { value: undefined }).value;
  }

  set<T>(key: string, value: T): void {
    this.#entries.set(key, { value });
  }

  delete(key: string): boolean {
    return this.#entries.delete(key);
  }

  getKeysByPrefix(prefix: string): string[] {
    return [...this.#entries.keys()].filter((key) => key.startsWith(prefix));
  }
}

const runtime = createGatewayRuntime({
  proxy: { endpoint: `${upstreamUrl}/graphql`, deduplicateInflightRequests: true },
  schema: SDL,
  cache: new MemoryCache(),
  responseCaching: { session: () => null, ttl: LONG_MS },
  inboundInflightRequestDeduplication: true,
  logging: false,
});

listen(createServer(runtime));
