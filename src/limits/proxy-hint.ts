import type { IncomingMessage } from 'node:http';
import type { Logger } from '../core/ports.ts';
import type { Limits } from './limits.ts';

/**
 * Warns once if requests seem to come through a proxy that the gateway was not told of. All clients behind it count as
 * one address, which shows only when the first of them are refused.
 */
export class ProxyHint {
  readonly #logger: Logger;
  #isDue: boolean;

  constructor({ trustedProxies }: Pick<Limits, 'trustedProxies'>, logger: Logger) {
    this.#logger = logger;
    this.#isDue = trustedProxies === 0;
  }

  see({ headers }: Pick<IncomingMessage, 'headers'>): void {
    if (!this.#isDue || headers['x-forwarded-for'] === undefined) return;
    this.#isDue = false;
    this.#logger.warn(
      {},
      'a request came with X-Forwarded-For, and TRUST_PROXY is not set: if it came through a proxy of yours, set TRUST_PROXY to the number of proxies, since otherwise all their clients share what one address may have',
    );
  }
}
