import type { Clock } from '../core/ports.ts';

const REMEMBERED_MS = 10_000;
const MOST_REMEMBERED = 10_000;

/** Ids that the upstream denied a moment ago, so that junk cannot drain the budget. Bounded. */
export class UnknownOrders {
  readonly #until = new Map<string, number>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(orderId: string): void {
    // Taken out and put in again, so that the map stays in the order of time and its first is its oldest.
    this.#until.delete(orderId);
    this.#until.set(orderId, this.#clock.now() + REMEMBERED_MS);
    if (this.#until.size > MOST_REMEMBERED) {
      const [oldest] = this.#until.keys();
      if (oldest !== undefined) this.#until.delete(oldest);
    }
  }

  has(orderId: string): boolean {
    const until = this.#until.get(orderId);
    if (until === undefined) return false;
    if (until > this.#clock.now()) return true;
    this.#until.delete(orderId);
    return false;
  }
}
