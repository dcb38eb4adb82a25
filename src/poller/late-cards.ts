import { LRUCache } from 'lru-cache';
import type { Clock } from '../core/ports.ts';

const PATIENCE_MS = 60_000;
/** Of more orders than this, those that were looked at longest ago are waited for anew. */
const MOST_ORDERS = 1_000;

/**
 * Orders that a single check showed as fulfilled, but without their card. The upstream states that a fulfilled order has
 * one, and marks no field as required, so it may write the card a moment after the status. Once the end is in the log,
 * nobody asks again, and the customer would never see the card. So for a minute such an answer is no news.
 */
export class LateCards {
  readonly #clock: Clock;
  /** When the card was first missing, by `Clock.steady`. */
  readonly #since = new LRUCache<string, number>({ max: MOST_ORDERS });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** To be called with each answer that lacks the card: whether to ask again instead of recording it. */
  isAwaited(orderId: string): boolean {
    const now = this.#clock.steady();
    const since = this.#since.get(orderId) ?? now;
    this.#since.set(orderId, since);
    return now - since < PATIENCE_MS;
  }
}
