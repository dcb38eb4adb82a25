import { LRUCache } from 'lru-cache';
import type { Clock } from '../core/ports.ts';

const PATIENCE_MS = 60_000;
/** Of more orders than this, those that were looked at longest ago are waited for anew. */
const MOST_ORDERS = 1_000;

/**
 * Returns a function to be called with each order that a single check showed as fulfilled, but without its card: whether
 * to ask again instead of recording the answer. The upstream states that a fulfilled order has a card, and marks no
 * field as required, so it may write the card a moment after the status. Once the end is in the log, nobody asks again,
 * and the customer would never see the card. So for a minute such an answer is no news.
 */
export function lateCards(clock: Clock) {
  /** When the card was first missing, by `Clock.steady`. */
  const firstMissing = new LRUCache<string, number>({ max: MOST_ORDERS });
  return (orderId: string): boolean => {
    const now = clock.steady();
    const since = firstMissing.get(orderId) ?? now;
    firstMissing.set(orderId, since);
    return now - since < PATIENCE_MS;
  };
}
