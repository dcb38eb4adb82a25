/**
 * How many calls a window may hold at present: the configured limit until a 429 says otherwise, then whatever
 * the upstream really allows, found and held.
 *
 * After a 429 the ceiling falls well below what was in use, climbs back quickly to just under that, and holds.
 * Only after a while, and only while the calls are wanted, does it try for more, slowly; each try that ends in
 * another 429 doubles the while. It is TCP's additive increase and multiplicative decrease, with CUBIC's memory
 * of where things went wrong.
 */
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/** A key that answers 429 to everything is still asked now and then. */
const FEWEST_CALLS = 5;
/** After a 429, of what was in use. */
const SHRINK_FACTOR = 0.7;
/** What is held, of what was too much. */
const HELD_SHARE = 0.95;
/**
 * A rate that much above what once was too much shows that the upstream allows more by now. Less would not: an
 * upstream that counts by a token bucket lets a little too much pass for minutes.
 */
const OVERCOME_SHARE = 1.25;

/** 429s so close together are one: an upstream that counts by the minute refuses until it is over. */
const ONE_TROUBLE_MS = MINUTE_MS;

/** The first 429 may have been a slip: try again soon. Once two agree, the limit is real. */
const FIRST_TRY_MS = 2 * MINUTE_MS;
const SECOND_TRY_MS = 15 * MINUTE_MS;
const LONGEST_TRY_MS = 60 * MINUTE_MS;

/** One step up is this part: of the limit on known ground, of what was too much when trying for more. */
const STEP_SHARE = 0.05;
const STEP_EVERY_MS = 30 * SECOND_MS;
const TRY_STEP_EVERY_MS = 2 * MINUTE_MS;

/** Calls are wanted where so much of what is allowed is in use. */
const WANTED_SHARE = 0.8;

/** What a restart must not forget. Times are Unix milliseconds. */
export interface CeilingNote {
  readonly calls: number;
  /** Calls in the window that were too many; `null` where no 429 came, or it was overcome. */
  readonly tooMany: number | null;
  /** How long it holds before it tries for more. */
  readonly tryMs: number;
  readonly shrunkAt: number;
  readonly steppedAt: number;
}

export class RateCeiling {
  readonly #limit: number;
  #state: CeilingNote;

  constructor(limit: number, note?: CeilingNote) {
    this.#limit = limit;
    const unhindered = { tooMany: null, tryMs: FIRST_TRY_MS, shrunkAt: 0, steppedAt: 0 };
    this.#state = { ...unhindered, ...note, calls: Math.min(limit, note?.calls ?? limit) };
  }

  /** Calls that a window may hold. */
  get calls(): number {
    return Math.floor(this.#state.calls);
  }

  get note(): CeilingNote {
    return this.#state;
  }

  /** A 429 came with `used` calls in the window. */
  shrink(used: number, now: number): void {
    const { calls, tooMany, tryMs, shrunkAt } = this.#state;
    if (now - shrunkAt < ONE_TROUBLE_MS) return;
    const wasTrying = tooMany !== null && calls > tooMany * HELD_SHARE;
    const proved = Math.min(used, calls, wasTrying ? tooMany : calls);
    this.#state = {
      calls: Math.min(this.#limit, Math.max(FEWEST_CALLS, proved * SHRINK_FACTOR)),
      tooMany: Math.max(FEWEST_CALLS, proved),
      tryMs: wasTrying ? Math.min(LONGEST_TRY_MS, Math.max(SECOND_TRY_MS, tryMs * 2)) : tryMs,
      shrunkAt: now,
      steppedAt: now,
    };
  }

  /** Goes up a step where it is time, and `used` shows that the calls are wanted. */
  climb(used: number, now: number): void {
    const { calls, tooMany, tryMs, shrunkAt, steppedAt } = this.#state;
    if (calls >= this.#limit || used < this.calls * WANTED_SHARE) return;
    if (tooMany === null || calls < tooMany * HELD_SHARE) {
      const top = tooMany === null ? this.#limit : tooMany * HELD_SHARE;
      if (now - steppedAt >= STEP_EVERY_MS) this.#step(this.#limit * STEP_SHARE, { top, now });
    } else if (used > tooMany * OVERCOME_SHARE) {
      this.#state = { ...this.#state, tooMany: null, tryMs: FIRST_TRY_MS };
    } else if (now - shrunkAt >= tryMs && now - steppedAt >= TRY_STEP_EVERY_MS) {
      this.#step(tooMany * STEP_SHARE, { top: this.#limit, now });
    }
  }

  #step(by: number, { top, now }: { readonly top: number; readonly now: number }): void {
    const calls = Math.min(top, this.#limit, this.#state.calls + Math.max(1, by));
    this.#state = { ...this.#state, calls, steppedAt: now };
  }
}
