import * as z from 'zod';
import { MINUTE_MS, SECOND_MS } from '../core/durations.ts';

/**
 * How many calls a window may hold at present: the configured limit until a 429 contradicts it, then the limit that
 * the upstream really has, as far as found out.
 *
 * After a 429 the ceiling falls well below the calls in use, quickly climbs back to just under them, and holds there.
 * Only after a while, and only while the calls are wanted, does it slowly try for more; each try that ends in another
 * 429 doubles that while. This is TCP's additive increase and multiplicative decrease, with CUBIC's memory of the rate
 * at which the last loss happened.
 */

/** The lowest ceiling: even if the upstream answers every call with 429, some are still made. */
const FEWEST_CALLS = 5;
/** The share of the calls in use that a 429 leaves. */
const SHRINK_FACTOR = 0.7;
/** The share of the calls that were too many at which the ceiling holds. */
const HELD_SHARE = 0.95;
/**
 * Calls in use at this multiple of what once was too many show that the upstream now allows more. A smaller excess
 * would not: an upstream with a token bucket tolerates a slightly excessive rate for minutes.
 */
const OVERCOME_SHARE = 1.25;

/**
 * If a 429 comes at less than this share of the ceiling, another program with the same key may have spent the minute.
 * So the first one in `RARE_MS` does not tell the limit; a second one does.
 */
const FEW_SHARE = 1 / 4;
const RARE_MS = 10 * MINUTE_MS;

/** 429s within this time count as one: an upstream that counts by the minute refuses calls until the minute is over. */
const ONE_TROUBLE_MS = MINUTE_MS;

/** The first 429 may have been a mistake, so the first try for more comes soon. A second 429 confirms the limit. */
const FIRST_TRY_MS = 2 * MINUTE_MS;
const SECOND_TRY_MS = 15 * MINUTE_MS;
const LONGEST_TRY_MS = 60 * MINUTE_MS;

/** The size of a step up: a share of the limit below the holding level, of what was too many when trying for more. */
const STEP_SHARE = 0.05;
const STEP_EVERY_MS = 30 * SECOND_MS;
const TRY_STEP_EVERY_MS = 2 * MINUTE_MS;

/** Calls count as wanted while this share of the ceiling is in use. */
const WANTED_SHARE = 0.8;

export const ceilingNoteSchema = z.object({
  calls: z.number().positive(),
  /** How many calls in the window were too many; `null` if no 429 came, or a higher rate has since worked. */
  tooMany: z.number().nullable(),
  /** How long after a 429 the ceiling holds before it tries for more. */
  tryMs: z.number(),
  shrunkAt: z.number(),
  steppedAt: z.number(),
});

/** What a restart must not forget. Times are by `Clock.steady`; 0 is long ago. */
export type CeilingNote = Readonly<z.infer<typeof ceilingNoteSchema>>;

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
    if (used < calls * FEW_SHARE && now - shrunkAt >= RARE_MS) {
      const left = Math.max(FEWEST_CALLS, calls * SHRINK_FACTOR);
      this.#state = { ...this.#state, calls: left, shrunkAt: now, steppedAt: now };
      return;
    }
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

  /** Raises the ceiling by a step if it is time to and `used`, the calls in the window, shows that calls are wanted. */
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
