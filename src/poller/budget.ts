import * as z from 'zod';
import { MINUTE_MS } from '../core/durations.ts';
import { type Clock, steadyTimeOf, unixTimeOf } from '../core/ports.ts';
import type { Notebook } from '../core/store.ts';
import { parseNote } from './parse-note.ts';
import { type CeilingNote, ceilingNoteSchema, RateCeiling } from './rate-ceiling.ts';

const NOTE = 'call-budget';

/** A call without an answer is assumed to have reached the upstream at most this long after it started. */
const ON_THE_WAY_MS = 1_000;
/** The upstream limits the calls per minute, counted when they reach it. */
const WINDOW_MS = MINUTE_MS + ON_THE_WAY_MS;

/** How many calls may start at once after a quiet time: a thirtieth of those of a minute, and ten at most. */
const LARGEST_BURST = 10;
const BURST_PART = 30;

/** However many calls are to be left to others, this share of the key's is the gateway's own. */
const OWN_PART = 1 / 6;

const noteSchema = z.object({ taken: z.array(z.number()), ceiling: ceilingNoteSchema });

/** A call that counts in the window. */
interface Taken {
  /** When the call started or, once it was answered, `ON_THE_WAY_MS` before the answer. */
  at: number;
}

interface CallBudgetOptions {
  /** The limit; at least 5. */
  readonly callsPerMinute: number;
  readonly clock: Clock;
  /** How many calls of a minute are to be left to others who use the key at present. None by default. */
  readonly reserved?: () => number;
}

export interface StartedCall {
  /** To be called when the call was answered or has failed. */
  end(): void;
}

/**
 * Rations the calls that the key allows. The budget remembers when each call of the last minute started, and this is
 * stored before the call starts. So no 60 s contain more calls than the limit, however often the gateway restarts. A
 * token bucket in front of this window spreads the calls evenly. All times are by `Clock.steady`, so that setting the
 * system's clock neither empties the window nor keeps it full; only those in the note are Unix milliseconds.
 */
export class CallBudget {
  readonly limitPerMinute: number;
  /** Calls that may start at once after a quiet time. */
  readonly burst: number;
  readonly #clock: Clock;
  readonly #reserved: () => number;
  readonly #ceiling: RateCeiling;
  #tokens = 1;
  #refilledAt: number;
  /** The calls in the window. The first to leave the window comes first. */
  #taken: Taken[];

  /** `note` is the `note` of the budget of an earlier process. */
  constructor(options: CallBudgetOptions & { readonly note?: string | undefined }) {
    const { callsPerMinute, clock, reserved = () => 0 } = options;
    this.limitPerMinute = callsPerMinute;
    this.#clock = clock;
    this.#reserved = reserved;
    this.burst = Math.max(1, Math.min(LARGEST_BURST, Math.floor(callsPerMinute / BURST_PART)));
    this.#refilledAt = clock.steady();
    const earlier = parseNote(options.note, noteSchema);
    const toSteady = (at: number) => steadyTimeOf(at, clock);
    this.#taken = (earlier?.taken ?? []).map((at) => ({ at: toSteady(at) }));
    this.#ceiling = new RateCeiling(
      callsPerMinute,
      earlier && withTimes(earlier.ceiling, toSteady),
    );
  }

  static async recall(
    options: CallBudgetOptions & { readonly notebook: Notebook },
  ): Promise<CallBudget> {
    return new CallBudget({ ...options, note: await options.notebook.recall(NOTE) });
  }

  /** Stores what the next process must know. Must be called after a call is taken out and before it starts. */
  async keep(notebook: Notebook): Promise<void> {
    await notebook.note(NOTE, this.note);
  }

  get note(): string {
    const toUnix = (at: number) => unixTimeOf(at, this.#clock);
    const taken = this.#taken.map(({ at }) => toUnix(at));
    return JSON.stringify({ taken, ceiling: withTimes(this.#ceiling.note, toUnix) });
  }

  /** Calls per minute that the budget allows at present: fewer than the limit after 429s, or if others need some. */
  get callsPerMinute(): number {
    return Math.min(this.#ceiling.calls, this.#ownPart());
  }

  /** How many calls could start now, spread evenly. */
  get left(): number {
    this.#refill();
    return Math.max(0, Math.min(Math.floor(this.#tokens), this.room));
  }

  /** How many calls the window still has room for, regardless of the even spread. */
  get room(): number {
    this.#refill();
    const room = this.#ownPart() - this.#taken.length;
    return Math.max(0, Math.min(room, this.#ceiling.calls - this.#sinceTrouble().length));
  }

  /** Calls that started within the last 60 s. */
  get usedInLastMinute(): number {
    const since = this.#clock.steady() - MINUTE_MS;
    return this.#taken.filter(({ at }) => at > since).length;
  }

  /**
   * Takes one call out of the budget; `undefined` if none is left. An `urgent` call is bound only by the limit, not by
   * the even spread. The caller must call `end` once the call is over.
   */
  start({ urgent = false } = {}): StartedCall | undefined {
    if ((urgent ? this.room : this.left) < 1) return undefined;
    this.#tokens = Math.max(0, this.#tokens - 1);
    return this.#start();
  }

  /** Takes one call that is bound only by the limit. Takes no token: right after a start there is only one. */
  startBeside(): StartedCall | undefined {
    return this.room < 1 ? undefined : this.#start();
  }

  #start(): StartedCall {
    const taken = { at: this.#refilledAt };
    this.#taken.push(taken);
    return { end: () => this.#end(taken) };
  }

  /** An answered call reached the upstream before now, so it leaves the upstream's count within a minute. */
  #end(taken: Taken): void {
    taken.at = this.#clock.steady() - ON_THE_WAY_MS;
    // A call that took longer than a minute has left the window meanwhile.
    if (!this.#taken.includes(taken)) this.#taken.push(taken);
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
    const forRoom = this.#roomAt(this.#taken, this.#ownPart() - calls);
    const forCeiling = this.#roomAt(this.#sinceTrouble(), this.#ceiling.calls - calls);
    return Math.max(0, Math.max(forRoom, forCeiling) - this.#refilledAt);
  }

  /** To be called after a 429: allows fewer calls from here on. */
  shrink(): void {
    this.#refill();
    this.#ceiling.shrink(this.#taken.length, this.#refilledAt);
    this.#tokens = 0;
  }

  /** When at most `most` of these calls will be left in the window. */
  #roomAt(taken: readonly Taken[], most: number): number {
    const leaving = Math.min(taken.length, taken.length - most);
    return (taken[leaving - 1]?.at ?? Number.NEGATIVE_INFINITY) + WINDOW_MS;
  }

  /** The calls since the last 429: the ceiling that the 429 set already accounts for earlier calls. */
  #sinceTrouble(): readonly Taken[] {
    const { shrunkAt } = this.#ceiling.note;
    return shrunkAt === 0 ? this.#taken : this.#taken.filter(({ at }) => at > shrunkAt);
  }

  /** What others leave of the limit. */
  #ownPart(): number {
    const least = Math.ceil(this.limitPerMinute * OWN_PART);
    return Math.max(least, this.limitPerMinute - this.#reserved());
  }

  #refillPerMs(): number {
    return this.callsPerMinute / MINUTE_MS;
  }

  #refill(): void {
    const now = this.#clock.steady();
    const elapsedMs = now - this.#refilledAt;
    this.#refilledAt = now;
    this.#ceiling.climb(this.#sinceTrouble().length, now);
    this.#tokens = Math.min(this.burst, this.#tokens + elapsedMs * this.#refillPerMs());
    while ((this.#taken[0]?.at ?? now) <= now - WINDOW_MS) this.#taken.shift();
  }
}

function withTimes(note: CeilingNote, convert: (at: number) => number): CeilingNote {
  return { ...note, shrunkAt: convert(note.shrunkAt), steppedAt: convert(note.steppedAt) };
}
