import type { Clock } from '../core/ports.ts';
import type { CallBudget } from './budget.ts';

/** The cards of the last minute predict those of the next. */
const WINDOW_MS = 60_000;

/** The least share of calls that looks may have while no card waits: at 120 calls a minute, a look every 3 s. */
const LEAST_LOOKS = 1 / 6;

interface SpareOptions {
  readonly budget: CallBudget;
  readonly clock: Clock;
}

/**
 * Limits looks, that is calls for the schedule, to what cards leave over. A list finds several orders settled at once,
 * and each card that it leaves out needs a call that should not wait. So looks leave room for cards. Looks per minute
 * are the calls that the key allows, less the n cards of the last minute, less √n, by which the next minute may well
 * have more cards.
 */
export class Spare {
  readonly #options: SpareOptions;
  /** When the checks for cards within the last minute started, oldest first. */
  readonly #cards: number[] = [];
  #looks: number;
  #refilledAt: number;

  constructor(options: SpareOptions) {
    this.#options = options;
    this.#looks = options.budget.burst;
    this.#refilledAt = options.clock.steady();
  }

  tookCard(): void {
    this.#cards.push(this.#options.clock.steady());
  }

  tookLook(): void {
    this.#refill();
    this.#looks -= 1;
  }

  /** Milliseconds until the cards leave room for a look. */
  waitMs(): number {
    this.#refill();
    return Math.max(0, Math.ceil((1 - this.#looks) / this.#looksPerMs()));
  }

  #refill(): void {
    const { budget, clock } = this.#options;
    const now = clock.steady();
    while ((this.#cards[0] ?? now) <= now - WINDOW_MS) this.#cards.shift();
    const perMs = this.#looksPerMs();
    const most = Math.max(1, (budget.burst * perMs * WINDOW_MS) / budget.callsPerMinute);
    const earned = (now - this.#refilledAt) * perMs;
    this.#looks = Math.min(most, this.#looks + earned);
    this.#refilledAt = now;
  }

  #looksPerMs(): number {
    const { callsPerMinute } = this.#options.budget;
    const cards = this.#cards.length;
    const spare = callsPerMinute - cards - Math.sqrt(cards);
    return Math.max(spare, callsPerMinute * LEAST_LOOKS) / WINDOW_MS;
  }
}
