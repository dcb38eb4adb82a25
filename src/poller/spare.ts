import type { Clock } from '../core/ports.ts';
import type { CallBudget } from './budget.ts';

/** The cards of so long tell how many there will be. */
const WINDOW_MS = 60_000;

/** However many cards there are, at least this part of the calls is for looks: one in 5.5 s of 120 a minute. */
const LEAST_PART = 1 / 11;

export interface SpareOptions {
  readonly budget: CallBudget;
  readonly clock: Clock;
}

/**
 * What cards leave over for looks. A list finds several orders settled at once, and each card that it leaves
 * out is a call that should not wait. So looks keep a distance: in a minute, as many as the key allows less
 * the cards of the last one, less the root of their number, by which the next minute may well have more.
 */
export class Spare {
  readonly #options: SpareOptions;
  /** When the cards of the last minute were asked for, oldest first. */
  readonly #cards: number[] = [];
  #looks: number;
  #refilledAt: number;

  constructor(options: SpareOptions) {
    this.#options = options;
    this.#looks = options.budget.burst;
    this.#refilledAt = options.clock.now();
  }

  tookCard(): void {
    this.#cards.push(this.#options.clock.now());
  }

  tookLook(): void {
    this.#refill();
    this.#looks -= 1;
  }

  /** Milliseconds until a look may start, as far as cards are concerned. */
  waitMs(): number {
    this.#refill();
    return Math.max(0, Math.ceil((1 - this.#looks) / this.#looksPerMs()));
  }

  #refill(): void {
    const { budget, clock } = this.#options;
    const now = clock.now();
    while ((this.#cards[0] ?? now) <= now - WINDOW_MS) this.#cards.shift();
    const perMs = this.#looksPerMs();
    const most = Math.max(1, (budget.burst * perMs * WINDOW_MS) / budget.callsPerMinute);
    const earned = Math.max(0, now - this.#refilledAt) * perMs;
    this.#looks = Math.min(most, this.#looks + earned);
    this.#refilledAt = now;
  }

  #looksPerMs(): number {
    const { callsPerMinute } = this.#options.budget;
    const cards = this.#cards.length;
    const spare = callsPerMinute - cards - Math.sqrt(cards);
    return Math.max(spare, callsPerMinute * LEAST_PART) / WINDOW_MS;
  }
}
