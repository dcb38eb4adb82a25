import { isInProgress, planner, SHORTEST_INTERVAL_MS } from '../core/cadence.ts';
import type { Clock, Logger } from '../core/ports.ts';
import type { Order, Recorded, Schedule, SnapshotLog } from '../core/store.ts';
import { isSettled, type Observation } from '../core/topup.ts';
import type { ListAnswer } from '../upstream/answer.ts';
import type { UpstreamClient } from '../upstream/client.ts';
import type { Pacer } from './pace.ts';
import type { Watchers } from './watchers.ts';

/** One `list` call that refreshes many orders. */
export interface Sweep {
  /** Creation times, Unix milliseconds, both inclusive. */
  readonly from: number;
  readonly to: number;
  readonly covered: readonly Covered[];
}

interface Covered {
  readonly orderId: string;
  readonly createdAt: number;
  /** Lag that seeing it is expected to bring to an end, in milliseconds. */
  readonly gainMs: number;
  /** `undefined` for one that no call has shown us yet. */
  readonly order: Order | undefined;
}

export interface SweepsOptions {
  readonly store: SnapshotLog & Schedule;
  readonly client: UpstreamClient;
  readonly watchers: Watchers;
  readonly pacer: Pacer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onRecorded: (recorded: Recorded) => void;
}

const PAGE = 100;
/** A page that is fuller than this leaves little room for orders that others send. */
const FULL_PAGE = 95;

const NARROWEST_MS = 2_000;
const WIDEST_MS = 15 * 60_000;
const FIRST_WIDTH_MS = 60_000;

/** An order's id tells its creation to the second. */
const ID_PRECISION_MS = 1_000;
const OLDEST_UNSEEN_MS = 24 * 3_600_000;

/** A list that is up to date to this is as good as any. */
const LATEST_ROW_MS = 5_000;

const FIRST_DISTRUST_MS = 60_000;
const LONGEST_DISTRUST_MS = 30 * 60_000;

/** Orders that a window is chosen from, at the most. */
const MOST_COVERABLE = 3_000;
const YOUNG_MS = 12 * 60_000;

/**
 * Sweeps must prove themselves: they are used while lists show the orders that they should, and dropped
 * for single checks, for a while, the moment that they do not.
 */
export class Sweeps {
  readonly #options: SweepsOptions;
  readonly #cards = new Set<string>();
  /** As wide a window of creation times as one page holds, learned from the pages that came. */
  #widthMs = FIRST_WIDTH_MS;
  #distrustMs = FIRST_DISTRUST_MS;
  #trustedFrom = 0;
  /** How far our clock is ahead of the upstream's, at the most. */
  #aheadMs = Number.POSITIVE_INFINITY;

  constructor(options: SweepsOptions) {
    this.#options = options;
  }

  /** Whether lists are believed at present. */
  isTrusted(now: number): boolean {
    return now >= this.#trustedFrom;
  }

  /** An order that a list shows settled without all that a single check tells. It goes ahead of all others. */
  takeCard(): string | undefined {
    const [orderId] = this.#cards;
    if (orderId !== undefined) this.#cards.delete(orderId);
    return orderId;
  }

  /**
   * The sweep that brings the most lag to an end, among all windows of creation time that fit on a page;
   * `undefined` where a single check of the neediest order does as well.
   */
  async plan(
    anchor: { readonly orderId: string; readonly order: Order | undefined },
    isBusy: (orderId: string) => boolean,
  ): Promise<Sweep | undefined> {
    const now = this.#options.clock.now();
    const at =
      anchor.order === undefined ? creationOf(anchor.orderId, now) : anchor.order.latest.createdAt;
    if (at === null || !this.isTrusted(now)) return undefined;
    const coverable = await this.#coverable(at, isBusy);
    const single = coverable.find(({ orderId }) => orderId === anchor.orderId);
    if (single === undefined) return undefined;
    const covered = this.#bestWindow(coverable);
    const gainMs = covered.reduce((sum, each) => sum + each.gainMs, 0);
    const first = covered[0];
    const last = covered.at(-1);
    if (covered.length < 2 || gainMs <= single.gainMs || !first || !last) return undefined;
    return {
      from: first.createdAt - ID_PRECISION_MS,
      to: last.createdAt + ID_PRECISION_MS,
      covered,
    };
  }

  /**
   * Checks what was told before against how an order ended: one that was listed as in progress well after
   * the upstream had processed it came from a list that lags behind. Clocks may differ; by how much at the
   * most is told by the youngest order at its first sight.
   */
  verify({ before, order: { latest } }: Recorded): void {
    const { createdAt, processedAt, observedAt } = latest;
    if (before === undefined) {
      if (createdAt !== null) this.#aheadMs = Math.min(this.#aheadMs, observedAt - createdAt);
      return;
    }
    if (!isInProgress(before) || !isSettled(latest.upstreamStatus) || processedAt === null) return;
    const lateMs = before.checkedAt - this.#aheadMs - processedAt;
    if (lateMs > LATEST_ROW_MS && this.isTrusted(observedAt)) this.#distrust('stale rows');
  }

  async run(sweep: Sweep): Promise<ListAnswer> {
    const answer = await this.#options.client.list({ from: sweep.from, to: sweep.to, page: 1 });
    if (answer.kind === 'listed') await this.#take(sweep, answer);
    else if (answer.kind === 'failed') this.#distrust(answer.reason);
    return answer;
  }

  async #take(sweep: Sweep, list: Extract<ListAnswer, { kind: 'listed' }>): Promise<void> {
    this.#adapt(sweep, list.rows);
    const shown = new Map(list.observations.map((row) => [row.orderId, row]));
    const missing = sweep.covered.filter(
      ({ orderId, order }) => order !== undefined && !shown.has(orderId),
    );
    if (missing.length > 0 && list.rows < PAGE) this.#distrust('missing orders');
    if (await this.#isStale(list.observations)) return this.#distrust('stale rows');
    const news: Observation[] = [];
    for (const { orderId } of sweep.covered) {
      const row = shown.get(orderId);
      if (row === undefined) {
        this.#options.watchers.notListed(orderId);
        continue;
      }
      if (needsSingleCheck(row)) this.#cards.add(orderId);
      else news.push(row);
    }
    await this.#record(news);
    if (missing.length === 0) this.#distrustMs = FIRST_DISTRUST_MS;
  }

  async #record(news: readonly Observation[]): Promise<void> {
    const { store, watchers, pacer, onRecorded } = this.#options;
    const plan = (order: Omit<Order, 'dueAt'>) =>
      planner(watchers.has(order.latest.orderId), pacer.pace)(order);
    for (const recorded of await store.recordAll(news, plan)) {
      watchers.seen(recorded.order.latest.orderId);
      onRecorded(recorded);
    }
  }

  /** A row in progress of an order that the log knows as settled: the list lags behind. */
  async #isStale(rows: readonly Observation[]): Promise<boolean> {
    for (const row of rows) {
      if (isSettled(row.upstreamStatus)) continue;
      const known = await this.#options.store.find(row.orderId);
      if (known !== undefined && isSettled(known.latest.upstreamStatus)) return true;
    }
    return false;
  }

  #distrust(reason: string): void {
    const { clock, logger } = this.#options;
    this.#trustedFrom = clock.now() + this.#distrustMs;
    logger.warn(
      { reason, waitSeconds: this.#distrustMs / 1_000 },
      'sweeps are off: a list cannot be relied on; orders are checked one by one',
    );
    this.#distrustMs = Math.min(this.#distrustMs * 2, LONGEST_DISTRUST_MS);
  }

  #adapt({ from, to }: Sweep, rows: number): void {
    if (rows >= FULL_PAGE) this.#widthMs = Math.max(NARROWEST_MS, this.#widthMs * 0.8);
    else if (to - from > this.#widthMs / 2) {
      this.#widthMs = Math.min(WIDEST_MS, this.#widthMs * Math.min(1.5, FULL_PAGE / (rows + 1)));
    }
  }

  /** What a list could refresh beside an order of this creation time, the earliest first. */
  async #coverable(at: number, isBusy: (orderId: string) => boolean): Promise<readonly Covered[]> {
    const { store, watchers, pacer, clock } = this.#options;
    const now = clock.now();
    // Orders in progress are young, as a rule: any of their windows may be the best one.
    const isYoung = at > now - YOUNG_MS;
    const [from, to] = isYoung
      ? [now - YOUNG_MS, now + ID_PRECISION_MS]
      : [at - this.#widthMs, at + this.#widthMs];
    const covered: Covered[] = [];
    for (const order of await store.createdWithin({ from, to, limit: MOST_COVERABLE })) {
      const { orderId, createdAt } = order.latest;
      const isFresh = now - order.checkedAt < SHORTEST_INTERVAL_MS;
      if (createdAt === null || isFresh || isBusy(orderId) || this.#cards.has(orderId)) continue;
      // One that is not due yet comes along for nothing, and is no reason to call.
      const gainMs = (order.dueAt ?? now) <= now ? pacer.gainMs(order, now) : 0;
      covered.push({ orderId, createdAt, gainMs, order });
    }
    for (const { orderId, dueAt, isUnlisted } of watchers.unseenDue(now)) {
      const createdAt = isUnlisted ? null : creationOf(orderId, now);
      if (createdAt === null || createdAt < from || createdAt > to || isBusy(orderId)) continue;
      covered.push({
        orderId,
        createdAt,
        gainMs: pacer.firstLookGainMs(dueAt, now),
        order: undefined,
      });
    }
    return covered.sort((a, b) => a.createdAt - b.createdAt);
  }

  /** Of all runs of neighbours that fit on a page, that of the largest gain. */
  #bestWindow(coverable: readonly Covered[]): readonly Covered[] {
    let [bestStart, bestEnd, mostMs] = [0, 0, -1];
    let start = 0;
    let gainMs = 0;
    for (const [end, each] of coverable.entries()) {
      gainMs += each.gainMs;
      for (let first = coverable[start]; first !== undefined; first = coverable[start]) {
        const fits = each.createdAt - first.createdAt <= this.#widthMs;
        if (fits && end - start < FULL_PAGE) break;
        gainMs -= first.gainMs;
        start += 1;
      }
      if (gainMs > mostMs) [bestStart, bestEnd, mostMs] = [start, end + 1, gainMs];
    }
    return coverable.slice(bestStart, bestEnd);
  }
}

/** Settled, but without the card, or the reason of a refund: a single check tells. */
function needsSingleCheck({ upstreamStatus, cardCode, refundMessage }: Observation): boolean {
  if (!isSettled(upstreamStatus)) return false;
  return upstreamStatus === 'FULFILLED' ? cardCode === null : refundMessage === null;
}

/** A Mongo ObjectId begins with its creation time in seconds; `null` for an id that is none. */
function creationOf(orderId: string, now: number): number | null {
  if (!/^[0-9a-f]{24}$/.test(orderId)) return null;
  const createdAt = Number.parseInt(orderId.slice(0, 8), 16) * 1_000;
  return createdAt > now + 60_000 || createdAt < now - OLDEST_UNSEEN_MS ? null : createdAt;
}
