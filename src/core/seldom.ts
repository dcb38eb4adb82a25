import type { Clock } from './ports.ts';

/** Thins out what may happen thousands of times, so that the log tells of it without being flooded. */
export class Seldom {
  readonly #clock: Clock;
  readonly #everyMs: number;
  #toldAt = Number.NEGATIVE_INFINITY;
  #times = 0;

  constructor(clock: Clock, everyMs: number) {
    this.#clock = clock;
    this.#everyMs = everyMs;
  }

  /** Counts one time. How many times to tell of, this one included; `undefined` if it is too soon to tell. */
  times(): number | undefined {
    this.#times += 1;
    const now = this.#clock.steady();
    if (now - this.#toldAt < this.#everyMs) return undefined;
    const times = this.#times;
    this.#toldAt = now;
    this.#times = 0;
    return times;
  }
}
