import { LRUCache } from 'lru-cache';
import type { Clock } from '../core/ports.ts';

const PATIENCE_MS = 60_000;
/** On a busy key a minute may bring no second answer, and one alone tells little. */
const FEWEST_ANSWERS = 3;
/** Of more orders than this, those that were looked at longest ago are waited for anew. */
const MOST_ORDERS = 1_000;

interface Missing {
  /** When the card was first missing, by `Clock.steady`. */
  readonly since: number;
  /** How many answers have lacked it. */
  readonly answers: number;
}

/**
 * Returns a function to be called with each order that a single check showed as fulfilled, but without its card:
 * whether to ask again instead of recording the answer. The upstream states that a fulfilled order has a card, and
 * marks no field as required, so it may write the card a moment after the status. Once the end is in the log, nobody
 * asks again, and the customer would never see the card. So for a minute, and twice at least, such an answer is no
 * news.
 */
export function lateCards(clock: Clock) {
  const missing = new LRUCache<string, Missing>({ max: MOST_ORDERS });
  return (orderId: string): boolean => {
    const now = clock.steady();
    const { since, answers } = missing.get(orderId) ?? { since: now, answers: 0 };
    missing.set(orderId, { since, answers: answers + 1 });
    return now - since < PATIENCE_MS || answers + 1 < FEWEST_ANSWERS;
  };
}
