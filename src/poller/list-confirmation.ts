import { SECOND_MS } from '../core/durations.ts';
import type { Clock } from '../core/ports.ts';

/** For how long lists may show no order that has ended until checks have to confirm what they show. */
const UNCONFIRMED_MS = 15 * SECOND_MS;

/** Or how many ends were to be expected: that none of so many shows happens by chance once in 150 times. */
const UNCONFIRMED_ENDS = 5;

/** The time between two checks that are to confirm lists. */
const CONFIRM_EVERY_MS = SECOND_MS;

/**
 * Whether lists still show ends. One that shows the past for ever contradicts nothing that the log knows as long as
 * nothing else is asked: so a check has to confirm lists that have shown no end for a while. Times are by
 * `Clock.steady`.
 */
export class ListConfirmation {
  readonly #clock: Clock;
  /** When a list last showed an end. */
  #confirmedAt: number;
  /** How many ends lists should have shown since then, on average. */
  #expectedEnds = 0;
  /** When the latest check was chosen that is to confirm lists. */
  #checkedAt = Number.NEGATIVE_INFINITY;
  /** Whether a list has shown no end since then: where calls are few, lists must not wait for checks alone. */
  #isInDoubt = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#confirmedAt = clock.steady();
  }

  /** Whether a check should confirm what lists show. */
  get isDue(): boolean {
    if (!this.#isInDoubt) return false;
    const isUnconfirmed =
      this.unconfirmedMs >= UNCONFIRMED_MS || this.#expectedEnds >= UNCONFIRMED_ENDS;
    return isUnconfirmed && this.#clock.steady() - this.#checkedAt >= CONFIRM_EVERY_MS;
  }

  /** How long ago a list last showed an end. */
  get unconfirmedMs(): number {
    return this.#clock.steady() - this.#confirmedAt;
  }

  /** To be called for each check that is to confirm lists. */
  checking(): void {
    this.#checkedAt = this.#clock.steady();
    this.#isInDoubt = false;
  }

  /** To be called after a list that showed no end: how many it should have shown, on average. */
  expected(ends: number): void {
    this.#expectedEnds += ends;
    this.#isInDoubt = true;
  }

  /** To be called after a list that showed an end. */
  confirmed(): void {
    this.#confirmedAt = this.#clock.steady();
    this.#expectedEnds = 0;
    this.#isInDoubt = false;
  }
}
