import * as z from 'zod';
import type { Clock } from '../core/ports.ts';
import type { Notebook } from '../core/store.ts';
import { parseNote } from './parse-note.ts';
import { RateCeiling } from './rate-ceiling.ts';

const NOTE = 'call-budget';

/** The upstream counts by the minute, when calls reach it. */
const MINUTE_MS = 60_000;
/** So late after its start, at the most, a call that was never answered is taken to have reached it. */
const ON_THE_WAY_MS = 1_000;
const WINDOW_MS = MINUTE_MS + ON_THE_WAY_MS;

/** How many calls may start at once after a quiet time: one thirtieth of a minute's, and ten at most. */
const LARGEST_BURST = 10;
const BURST_PART = 30;

const noteSchema = z.object({
  taken: z.array(z.number()),
  ceiling: z.object({
    calls: z.number().positive(),
    tooMany: z.number().nullable(),
    tryMs: z.number(),
    shrunkAt: z.number(),
    steppedAt: z.number(),
  }),
});

/** A call in the window. */
interface Taken {
  /** When it started; once it was answered, `ON_THE_WAY_MS` before that. Unix milliseconds. */
  at: number;
}

export interface StartedCall {
  /** It was answered, or given up. */
  end(): void;
}

/**
 * The calls that the key allows. When each call of the last minute started is known, and noted before it
 * starts, so no 60 s hold more calls than the limit, however often the gateway is started again in them. A
 * token bucket in front of that spreads the calls evenly.
 */
export class CallBudget {
  readonly limitPerMinute: number;
  /** Calls that may start at once after a quiet time. */
  readonly burst: number;
  readonly #clock: Clock;
  readonly #ceiling: RateCeiling;
  #tokens = 1;
  #refilledAt: number;
  /** The calls of the last window, the first to leave it first: never more than the limit. */
  #taken: Taken[];

  /** `callsPerMinute` must be at least 5. `note` is what an earlier process noted of itself. */
  constructor(options: {
    readonly callsPerMinute: number;
    readonly clock: Clock;
    readonly note?: string | undefined;
  }) {
    const { callsPerMinute, clock } = options;
    this.limitPerMinute = callsPerMinute;
    this.#clock = clock;
    this.burst = Math.max(1, Math.min(LARGEST_BURST, Math.floor(callsPerMinute / BURST_PART)));
    this.#refilledAt = clock.now();
    const earlier = parseNote(options.note, noteSchema);
    this.#taken = (earlier?.taken ?? []).map((at) => ({ at: Math.min(at, this.#refilledAt) }));
    this.#ceiling = new RateCeiling(callsPerMinute, earlier?.ceiling);
  }

  static async recall(options: {
    readonly callsPerMinute: number;
    readonly clock: Clock;
    readonly store: Notebook;
  }): Promise<CallBudget> {
    return new CallBudget({ ...options, note: await options.store.recall(NOTE) });
  }

  /** Notes what a process that takes over must know; to be called before a call that was taken starts. */
  async keep(notebook: Notebook): Promise<void> {
    await notebook.note(NOTE, this.note);
  }

  get note(): string {
    return JSON.stringify({ taken: this.#taken.map(({ at }) => at), ceiling: this.#ceiling.note });
  }

  /** Calls a minute that the budget allows at present, after what 429s took from it. */
  get callsPerMinute(): number {
    return this.#ceiling.calls;
  }

  /** Whole calls that could start at this moment. */
  get left(): number {
    this.#refill();
    return Math.max(0, Math.min(Math.floor(this.#tokens), this.room));
  }

  /** Calls that the window still has room for, spread evenly or not. */
  get room(): number {
    this.#refill();
    const room = this.limitPerMinute - this.#taken.length;
    return Math.max(0, Math.min(room, this.#ceiling.calls - this.#sinceTrouble().length));
  }

  /** Calls that started within the last 60 s. */
  get usedInLastMinute(): number {
    const since = this.#clock.now() - MINUTE_MS;
    return this.#taken.filter(({ at }) => at > since).length;
  }

  /** Takes one call out; `false` where none is left. */
  take(): boolean {
    return this.start() !== undefined;
  }

  /**
   * The same for a call that starts. One that is `urgent` need not keep to the even spread, only to the
   * limit. To be ended by whoever makes it.
   */
  start({ urgent = false } = {}): StartedCall | undefined {
    if ((urgent ? this.room : this.left) < 1) return undefined;
    this.#tokens = Math.max(0, this.#tokens - 1);
    const taken = { at: this.#refilledAt };
    this.#taken.push(taken);
    return { end: () => this.#end(taken) };
  }

  /** An answered call has reached the upstream before now: a minute later it is out of the count for sure. */
  #end(taken: Taken): void {
    taken.at = this.#clock.now() - ON_THE_WAY_MS;
    this.#taken.sort((one, other) => one.at - other.at);
  }

  /** Milliseconds until `calls` calls could start. */
  waitMs(calls = 1): number {
    this.#refill();
    const forTokens = Math.ceil((calls - this.#tokens) / this.#refillPerMs());
    return Math.max(0, forTokens, this.roomInMs(calls));
  }

  /** Milliseconds until the window has room for `calls` calls. */
  roomInMs(calls: number): number {
    this.#refill();
    const forRoom = this.#roomAt(this.#taken, this.limitPerMinute - calls);
    const forCeiling = this.#roomAt(this.#sinceTrouble(), this.#ceiling.calls - calls);
    return Math.max(0, Math.max(forRoom, forCeiling) - this.#refilledAt);
  }

  /** After a 429: we were told more than we may, so ask less from here on. */
  shrink(): void {
    this.#refill();
    this.#ceiling.shrink(this.#taken.length, this.#refilledAt);
    this.#tokens = 0;
  }

  /** When no more than `most` of these calls are left in the window. */
  #roomAt(taken: readonly Taken[], most: number): number {
    const leaving = Math.min(taken.length, taken.length - most);
    return (taken[leaving - 1]?.at ?? Number.NEGATIVE_INFINITY) + WINDOW_MS;
  }

  /** What came before a 429 was counted when it came. */
  #sinceTrouble(): readonly Taken[] {
    const { shrunkAt } = this.#ceiling.note;
    return shrunkAt === 0 ? this.#taken : this.#taken.filter(({ at }) => at > shrunkAt);
  }

  #refillPerMs(): number {
    return this.#ceiling.calls / MINUTE_MS;
  }

  #refill(): void {
    const now = this.#clock.now();
    const elapsedMs = Math.max(0, now - this.#refilledAt);
    if (now < this.#refilledAt) this.#setBack(this.#refilledAt - now);
    this.#refilledAt = now;
    this.#ceiling.climb(this.#sinceTrouble().length, now);
    this.#tokens = Math.min(this.burst, this.#tokens + elapsedMs * this.#refillPerMs());
    while ((this.#taken[0]?.at ?? now) <= now - WINDOW_MS) this.#taken.shift();
  }

  /** A clock that was set back earns nothing, and the calls were as long ago as ever. */
  #setBack(byMs: number): void {
    for (const taken of this.#taken) taken.at -= byMs;
  }
}
