import { LRUCache } from 'lru-cache';
import type { Clock } from '../core/ports.ts';

const REMEMBERED_MS = 10_000;
const MOST_REMEMBERED = 10_000;

/**
 * Ids that the upstream did not know a moment ago, so that repeated queries for invalid ids do not drain the budget.
 * Bounded.
 */
export class UnknownOrders {
  readonly #until = new LRUCache<string, number>({ max: MOST_REMEMBERED });
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(orderId: string): void {
    this.#until.set(orderId, this.#clock.steady() + REMEMBERED_MS);
  }

  has(orderId: string): boolean {
    return (this.#until.peek(orderId) ?? 0) > this.#clock.steady();
  }
}
