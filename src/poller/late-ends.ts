import { isInProgress } from '../core/cadence.ts';
import { SECOND_MS } from '../core/durations.ts';
import type { Recorded } from '../core/store.ts';
import { isSettled } from '../core/topup.ts';

/** A list may lag behind by up to this and still be trusted. */
export const LATEST_ROW_MS = 5 * SECOND_MS;

/** A list is answered within this time, also one that is in flight when lists are left. */
const LAST_LIST_MS = 15 * SECOND_MS;

/** So many of the ends that checks show must look late for that to be usual, and this share of them. */
const FEWEST_LATE = 2;
const LATE_SHARE = 1 / 10;

/** The part of its duration that each further list leaves of a slow one. */
const TOOK_MEMORY = 0.9;

/**
 * Tells by the upstream's own times whether lists lag behind: then an order is still shown as in progress well after
 * the upstream has processed it.
 *
 * Clocks may differ: the time between an order's creation and our first sight of it, at its smallest, is the upper
 * bound on the difference. And the time of processing may be that of another system or of an earlier step: then orders
 * that checks show look late as well.
 */
export class LateEnds {
  /** An upper bound on how far our clock is ahead of the upstream's, in milliseconds. */
  #aheadMs = Number.POSITIVE_INFINITY;
  /** How long the slowest of the latest lists took. */
  #tookMs = 0;
  /** When checks alone showed orders. Unix milliseconds. */
  #checksAlone = { from: 0, to: 0, isNew: false };
  /** Of the ends that they showed: how many looked late, and by how much at the most. */
  #checkedEnds = { all: 0, late: 0, mostLateMs: 0 };

  /** To be called with the duration of each list. */
  listTook(ms: number): void {
    // The system's clock may have been set meanwhile.
    this.#tookMs = Math.max(Math.min(ms, LAST_LIST_MS), this.#tookMs * TOOK_MEMORY);
  }

  /** To be called when checks alone will show orders, for this long. */
  listsAreLeft(now: number, ms: number): void {
    this.#checksAlone = { from: now + LAST_LIST_MS, to: now + ms, isNew: true };
  }

  /** Whether a list must have lagged behind, seen from what is now recorded of an order. */
  showsLag({ before, order: { latest } }: Recorded): boolean {
    const { createdAt, processedAt, observedAt } = latest;
    if (before === undefined) {
      if (createdAt !== null) this.#aheadMs = Math.min(this.#aheadMs, observedAt - createdAt);
      return false;
    }
    if (!isInProgress(before) || !isSettled(latest.upstreamStatus)) return false;
    if (processedAt === null) return false;
    const lateMs = before.checkedAt - this.#aheadMs - processedAt;
    const { from, to } = this.#checksAlone;
    if (from <= before.checkedAt && before.checkedAt < to) {
      this.#checkedEnd(lateMs);
      return false;
    }
    // `checkedAt` is when the answer came, which may show the state of when it was asked for.
    return lateMs > LATEST_ROW_MS + this.#usualLateMs + this.#tookMs;
  }

  /** Learns the difference of the clocks anew: the bound no longer holds if ours was set forward. */
  relearnClock(): void {
    this.#aheadMs = Number.POSITIVE_INFINITY;
  }

  #checkedEnd(lateMs: number): void {
    if (this.#checksAlone.isNew) this.#checkedEnds = { all: 0, late: 0, mostLateMs: 0 };
    this.#checksAlone.isNew = false;
    const ends = this.#checkedEnds;
    ends.all += 1;
    if (lateMs > LATEST_ROW_MS) ends.late += 1;
    ends.mostLateMs = Math.max(ends.mostLateMs, lateMs);
  }

  /** How late ends look that checks show. One among others tells nothing: its time may be wrong. */
  get #usualLateMs(): number {
    const { all, late, mostLateMs } = this.#checkedEnds;
    const isUsual = late === all || (late >= FEWEST_LATE && late >= all * LATE_SHARE);
    return isUsual ? mostLateMs : 0;
  }
}
