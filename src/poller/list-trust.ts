import { LRUCache } from 'lru-cache';
import { MINUTE_MS, SECOND_MS } from '../core/durations.ts';
import type { Clock, Logger } from '../core/ports.ts';
import type { Recorded } from '../core/store.ts';
import type { Telemetry } from '../core/telemetry.ts';
import { LateEnds } from './late-ends.ts';
import { ListConfirmation } from './list-confirmation.ts';

/** How many failures in a row end no trust, as any call may meet them; none of other kinds. */
const TOLERATED: Readonly<Record<string, number>> = {
  network: 1,
  http_status: 1,
  // A load balancer may answer with a page of its own.
  unreadable: 1,
  timeout: 1,
  // If all answers have become slow: each list is given twice the time of the one before it.
  slow: 2,
};

/** Failures that may well be over in a moment: by other calls than lists, too, they would be met. */
const BRIEF: readonly string[] = ['network', 'http_status', 'unreadable'];
const BRIEF_DISTRUST_MS = 10 * SECOND_MS;

/** For how long an order that a list left out is in no page. Of more orders than this, the first ones are forgotten. */
const LEFT_OUT_MS = 30 * MINUTE_MS;
const MOST_LEFT_OUT = 1_000;
/**
 * Of the orders that a list should have shown, it may leave out one, or this share, but no more than so many a minute.
 */
const FEW_SHARE = 1 / 8;
const FEW_A_MINUTE = 5;

const FIRST_DISTRUST_MS = MINUTE_MS;
const LONGEST_DISTRUST_MS = 30 * MINUTE_MS;

interface ListTrustOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
}

/**
 * Whether lists are trusted. They are trusted as long as they show the orders that they should. A list that does not
 * ends the trust for a while, which doubles each time until a list proves right. It does not double while the upstream
 * shows no order by any call: then lists are no worse than checks, and are needed once it answers again.
 */
export class ListTrust {
  readonly confirmation: ListConfirmation;
  readonly #options: ListTrustOptions;
  /** How often the trust was lost since a list showed all that it should. */
  #losses = 0;
  #trustedFrom = 0;
  #failuresInRow = 0;
  /** Whether any call has shown an order since the trust was last lost. */
  #isAnswered = true;
  readonly #lateEnds = new LateEnds();
  /** Orders that lists left out, and until when that counts, by `Clock.steady`. */
  readonly #leftOut = new LRUCache<string, number>({ max: MOST_LEFT_OUT });
  /** The same for parked orders, where lists may show none: these do not speak against lists. */
  readonly #hidden = new LRUCache<string, number>({ max: MOST_LEFT_OUT });

  constructor(options: ListTrustOptions) {
    this.#options = options;
    this.confirmation = new ListConfirmation(options.clock);
  }

  get isTrusted(): boolean {
    return this.#options.clock.steady() >= this.#trustedFrom;
  }

  /** To be called after a list that showed all that it should. */
  proved(): void {
    // One that was in flight when the trust ended says nothing new.
    if (this.#losses === 0 || !this.isTrusted) return;
    this.#losses = 0;
    this.#options.logger.info({}, 'sweeps are on again: a list shows all that it should');
  }

  /** To be called as soon as a list was answered, and not with the past; `askedAt` in Unix milliseconds. */
  answered(askedAt: number): void {
    this.#failuresInRow = 0;
    this.#lateEnds.listTook(this.#options.clock.now() - askedAt);
  }

  get failuresInRow(): number {
    return this.#failuresInRow;
  }

  /**
   * To be called after a list that failed. One may fail as any call may; several in a row cannot be relied on.
   *
   * @param before `failuresInRow` when the list was asked for: of lists that were in flight together, one cause may
   *   have failed all.
   */
  failed(reason: string, before: number): void {
    this.#failuresInRow = Math.max(this.#failuresInRow, before + 1);
    if (before >= (TOLERATED[reason] ?? 0)) this.lost(reason);
  }

  /**
   * To be called after a list that did not show these orders, of `all` that it should have shown. A few are in no page
   * for a while, so that an order that no list ever shows does not end the trust again and again. Many end it.
   */
  leftOut(orderIds: readonly string[], all: number): void {
    const { clock, logger, telemetry } = this.#options;
    const now = clock.steady();
    const count = orderIds.length;
    const isFew = count < all && (count === 1 || count <= all * FEW_SHARE);
    if (!isFew || this.#leftOutWithinMinute(now) + count > FEW_A_MINUTE) {
      this.lost('missing orders');
      return;
    }
    for (const orderId of orderIds) this.#leftOut.set(orderId, now + LEFT_OUT_MS);
    telemetry.ordersLeftOut(count);
    logger.info(
      { orders: count },
      'a list leaves out orders that it should show; they are checked one by one',
    );
  }

  /** To be called with each parked order that a list left out which shows none: it is in no page for a while. */
  hidden(orderId: string): void {
    this.#hidden.set(orderId, this.#options.clock.steady() + LEFT_OUT_MS);
  }

  #leftOutWithinMinute(now: number): number {
    const since = now + LEFT_OUT_MS - MINUTE_MS;
    return [...this.#leftOut.values()].filter((until) => until > since).length;
  }

  /** To be called with each order that a list shows. */
  shown(orderId: string): void {
    this.#leftOut.delete(orderId);
    this.#hidden.delete(orderId);
  }

  /** Whether lists leave out this order, although the upstream has shown it. */
  leavesOut(orderId: string): boolean {
    const until = Math.max(this.#leftOut.get(orderId) ?? 0, this.#hidden.get(orderId) ?? 0);
    return until > this.#options.clock.steady();
  }

  /** To be called after a list that cannot be relied on: ends the trust for a while. */
  lost(reason: string): void {
    // A list that was in flight when the trust ended. It may have failed of the same cause, and says nothing new.
    if (!this.isTrusted) return;
    const { clock, logger, telemetry } = this.#options;
    if (!this.#isAnswered) this.#losses = 0;
    const distrustMs = distrustAfter(reason, this.#losses);
    this.#losses += 1;
    this.#isAnswered = false;
    this.#trustedFrom = clock.steady() + distrustMs;
    this.#lateEnds.listsAreLeft(clock.now(), distrustMs);
    telemetry.sweepsStopped(reason);
    logger.warn(
      { reason, waitSeconds: distrustMs / 1_000 },
      'sweeps are off: a list cannot be relied on; orders are checked one by one',
    );
  }

  /** To be called with what any call has shown of an order. Ends the trust if lists turn out to have lagged behind. */
  verify(recorded: Recorded): void {
    this.#isAnswered = true;
    if (!this.#lateEnds.showsLag(recorded) || !this.isTrusted) return;
    this.lost('stale rows');
    this.#lateEnds.relearnClock();
  }
}

function distrustAfter(reason: string, losses: number): number {
  // That will not pass, and each try may count as one with a bad key.
  if (reason === 'forbidden') return LONGEST_DISTRUST_MS;
  const firstMs = BRIEF.includes(reason) ? BRIEF_DISTRUST_MS : FIRST_DISTRUST_MS;
  return Math.min(firstMs * 2 ** losses, LONGEST_DISTRUST_MS);
}
