import { SECOND_MS } from '../core/durations.ts';

/** No call is given up before this, however quick answers usually are. */
const LEAST_MS = 3 * SECOND_MS;

/** The weight of a new duration in the average, and in the average deviation. */
const AVERAGE_PART = 1 / 8;
const DEVIATION_PART = 1 / 4;
/** TCP allows four. A segment that is sent twice costs little; a call that is given up is one of few, and lost. */
const DEVIATIONS = 8;

/**
 * How long to wait for an answer that is asked for again if it does not come: a call that hangs holds up all the orders
 * that it is to show. Decided as TCP decides when to send a segment again (RFC 6298): after the usual duration and some
 * deviations (twice the usual duration at least), and after twice as long each time that nothing came, until an answer
 * tells how long they take now.
 */
export class Patience {
  readonly #mostMs: number;
  #averageMs: number | undefined;
  #deviationMs = 0;
  #ms: number;

  /** `mostMs`: how long any call may take. As long as no call was answered, all of that. */
  constructor(mostMs: number) {
    this.#mostMs = mostMs;
    this.#ms = mostMs;
  }

  get ms(): number {
    return this.#ms;
  }

  /** To be called with the duration of each call that was answered. */
  answered(durationMs: number): void {
    const averageMs = this.#averageMs ?? durationMs;
    const deviationMs = Math.abs(durationMs - averageMs);
    this.#deviationMs =
      this.#averageMs === undefined
        ? durationMs / 2
        : mixed(this.#deviationMs, deviationMs, DEVIATION_PART);
    this.#averageMs = mixed(averageMs, durationMs, AVERAGE_PART);
    const marginMs = Math.max(this.#averageMs, DEVIATIONS * this.#deviationMs);
    this.#ms = this.#within(this.#averageMs + marginMs);
  }

  /** To be called after each call that was given up after `ms`: of those that were in flight together, one counts. */
  gaveUp(ms: number): void {
    this.#ms = this.#within(Math.max(this.#ms, 2 * ms));
  }

  #within(ms: number): number {
    return Math.min(this.#mostMs, Math.max(LEAST_MS, ms));
  }
}

function mixed(before: number, now: number, part: number): number {
  return before + (now - before) * part;
}
