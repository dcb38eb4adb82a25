import type { Clock } from '../core/ports.ts';

const REMEMBERED_MS = 10_000;
const MOST_REMEMBERED = 10_000;

/**
 * Ids that the upstream did not know a moment ago, so that repeated queries for invalid ids do not drain the budget.
 * Bounded.
 */
export class UnknownOrders {
  readonly #until = new Map<string, number>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(orderId: string): void {
    // Deleted and inserted again, so that the map stays in order of time and its first entry is the oldest.
    this.#until.delete(orderId);
    this.#until.set(orderId, this.#clock.steady() + REMEMBERED_MS);
    if (this.#until.size > MOST_REMEMBERED) {
      const [oldest] = this.#until.keys();
      if (oldest !== undefined) this.#until.delete(oldest);
    }
  }

  has(orderId: string): boolean {
    const until = this.#until.get(orderId);
    if (until === undefined) return false;
    if (until > this.#clock.steady()) return true;
    this.#until.delete(orderId);
    return false;
  }
}
