import { isInProgress } from '../core/cadence.ts';
import type { Clock } from '../core/ports.ts';
import type { Order } from '../core/store.ts';
import type { ListTrust } from './list-trust.ts';
import type { SweepPlanner } from './sweep-planner.ts';
import type { UnseenDue } from './watchers.ts';

/** For how long an order that others always come before waits for its look, until it takes turns with all others. */
const LEFT_OUT_MS = 20_000;
/** So many other looks come between two at ids that lists leave out, which nobody has seen yet. */
const LOOKS_BETWEEN_UNLISTED = 1;
/** So many come between two at known orders in no page: nearly all are old, and hardly ever settle just now. */
const LOOKS_BETWEEN_OLD = 5;
/** So many come between two at orders that the upstream has failed at: it may do so for ever. */
const LOOKS_BETWEEN_FAILED = 5;

interface LeftOutOptions {
  readonly clock: Clock;
  readonly trust: ListTrust;
  readonly sweepPlanner: SweepPlanner;
}

/** An order that is due; `order` is `undefined` if no call has shown it yet. */
export interface Due extends UnseenDue {
  readonly order: Order | undefined;
}

/**
 * Turns for orders that others always come before: those that the best pages never show, and those that have failed. On
 * a key that is too busy, any page of many young orders gains more, always, and so does a check of an order that has
 * not failed.
 */
export class LeftOut {
  readonly #options: LeftOutOptions;
  /** How many looks there were since one was a turn. */
  #looksSinceTurn = 0;
  /** Since one was the turn of an order that is known or has failed: ids that nobody has sent must not hide those. */
  #looksSinceKnown = 0;

  constructor(options: LeftOutOptions) {
    this.#options = options;
  }

  /** To be called for each look. Returns the order that is due for longest of those whose turn it is, if any. */
  whoseTurn(due: readonly Due[]): string | undefined {
    const before = this.#options.clock.now() - LEFT_OUT_MS;
    let longest: Due | undefined;
    for (const each of due) {
      if (each.dueAt > before || !this.#isTurnOf(each)) continue;
      if (longest === undefined || each.dueAt < longest.dueAt) longest = each;
    }
    const isKnown = longest !== undefined && (longest.order !== undefined || longest.failures > 0);
    this.#looksSinceTurn = longest === undefined ? this.#looksSinceTurn + 1 : 0;
    this.#looksSinceKnown = isKnown ? 0 : this.#looksSinceKnown + 1;
    return longest?.orderId;
  }

  /** Parked orders are left for a calmer time; where all are checked one by one, only what has failed has turns. */
  #isTurnOf({ order, isUnlisted, failures }: Due): boolean {
    if (failures > 0 && this.#looksSinceKnown >= LOOKS_BETWEEN_FAILED) return true;
    if (order === undefined) return isUnlisted && this.#looksSinceTurn >= LOOKS_BETWEEN_UNLISTED;
    const { trust, sweepPlanner } = this.#options;
    if (this.#looksSinceKnown < LOOKS_BETWEEN_OLD || !trust.isTrusted) return false;
    return isInProgress(order) && sweepPlanner.isOutOfReach(order);
  }
}
