import type { IncomingMessage } from 'node:http';
import type { Logger } from '../core/ports.ts';
import type { Limits } from './limits.ts';

/**
 * Returns a function to be called with each request. It warns once if requests seem to come through a proxy that the
 * gateway was not told of. All clients behind it count as one address, which shows only when the first are refused.
 */
export function proxyHint({ trustedProxies }: Pick<Limits, 'trustedProxies'>, logger: Logger) {
  let isDue = trustedProxies === 0;
  return ({ headers }: Pick<IncomingMessage, 'headers'>): void => {
    if (!isDue || headers['x-forwarded-for'] === undefined) return;
    isDue = false;
    logger.warn(
      {},
      'a request came with X-Forwarded-For, and TRUST_PROXY is not set: if it came through a proxy of yours, set TRUST_PROXY to the number of proxies, since otherwise all their clients share what one address may have',
    );
  };
}
