import type { Clock } from '../core/ports.ts';

const MINUTE_MS = 60_000;

/** What is left of the budget at the least: a key that answers 429 to everything is still asked now and then. */
const SMALLEST_SHARE = 0.1;
const SHRINK_FACTOR = 0.7;
/** Of the whole budget, won back each minute after a 429. */
const RECOVERY_PER_MINUTE = 0.05;

/** How many calls may start at once after a quiet time: one thirtieth of a minute's, and ten at most. */
const LARGEST_BURST = 10;
const BURST_PART = 30;

/**
 * The calls that the key allows, as one token bucket.
 *
 * The bucket refills by so much less than the limit as it can hold, and starts with one token: so no 60 s,
 * not even with a restart in them, hold more calls than the limit.
 */
export class CallBudget {
  readonly limitPerMinute: number;
  readonly #clock: Clock;
  /** Calls that may start at once after a quiet time. */
  readonly burst: number;
  #tokens = 1;
  #share = 1;
  #refilledAt: number;
  /** When the calls of the last minute started, oldest first: never more than the limit. */
  readonly #taken: number[] = [];

  /** `callsPerMinute` must be at least 5. */
  constructor(options: { readonly callsPerMinute: number; readonly clock: Clock }) {
    this.limitPerMinute = options.callsPerMinute;
    this.#clock = options.clock;
    this.burst = Math.max(
      1,
      Math.min(LARGEST_BURST, Math.floor(options.callsPerMinute / BURST_PART)),
    );
    this.#refilledAt = options.clock.now();
  }

  /** Calls a minute that the budget allows at present, after what 429s took from it. */
  get callsPerMinute(): number {
    this.#refill();
    return this.limitPerMinute * this.#share;
  }

  /** Whole calls that could start at this moment. */
  get left(): number {
    this.#refill();
    return Math.floor(this.#tokens);
  }

  /** Calls that started within the last 60 s. */
  get usedInLastMinute(): number {
    this.#refill();
    return this.#taken.length;
  }

  /** Takes one call out; `false` where none is left. */
  take(): boolean {
    this.#refill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    this.#taken.push(this.#refilledAt);
    return true;
  }

  /** Milliseconds until `calls` calls could start. */
  waitMs(calls = 1): number {
    this.#refill();
    return Math.max(0, Math.ceil((calls - this.#tokens) / this.#refillPerMs()));
  }

  /** After a 429: we were told more than we may, so ask less from here on, and win it back slowly. */
  shrink(): void {
    this.#refill();
    this.#share = Math.max(SMALLEST_SHARE, this.#share * SHRINK_FACTOR);
    this.#tokens = 0;
  }

  #refillPerMs(): number {
    return ((this.limitPerMinute - this.burst - 1) * this.#share) / MINUTE_MS;
  }

  #refill(): void {
    const now = this.#clock.now();
    // A clock that was set back earns nothing.
    const elapsedMs = Math.max(0, now - this.#refilledAt);
    this.#refilledAt = now;
    this.#tokens = Math.min(this.burst, this.#tokens + elapsedMs * this.#refillPerMs());
    while ((this.#taken[0] ?? now) <= now - MINUTE_MS) this.#taken.shift();
    this.#share = Math.min(1, this.#share + (elapsedMs / MINUTE_MS) * RECOVERY_PER_MINUTE);
  }
}
