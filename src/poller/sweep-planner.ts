import { creationTimeOf } from '../core/order-id.ts';
import type { Clock } from '../core/ports.ts';
import type { Order, Schedule, SnapshotLog } from '../core/store.ts';
import type { Due } from './choice.ts';
import type { ListTrust } from './list-trust.ts';
import type { Pacer } from './pace.ts';
import type { Requests } from './requests.ts';
import type { Watchers } from './watchers.ts';

/** One `list` call that refreshes many orders. */
export interface Sweep {
  /** Creation times, Unix milliseconds, both inclusive. */
  readonly from: number;
  readonly to: number;
  readonly covered: readonly Covered[];
}

export interface Covered {
  readonly orderId: string;
  readonly createdAt: number;
  /** Lag that seeing it is expected to bring to an end, in milliseconds. */
  readonly gainMs: number;
  /** `undefined` for one that no call has shown us yet. */
  readonly order: Order | undefined;
}

export interface SweepPlannerOptions {
  readonly store: SnapshotLog & Schedule;
  readonly watchers: Watchers;
  readonly requests: Requests;
  readonly pacer: Pacer;
  readonly trust: ListTrust;
  readonly clock: Clock;
  /** Whether a call that has started, or must, will show this order. */
  readonly isBusy: (orderId: string) => boolean;
}

/** What the upstream shows on a page, at the most. */
export const PAGE = 100;
/** A page that is fuller than this leaves little room for orders that others send. */
const FULL_PAGE = 95;

const NARROWEST_MS = 2_000;
const WIDEST_MS = 15 * 60_000;
const FIRST_WIDTH_MS = 60_000;

/** An order's id tells its creation to the second. */
const ID_PRECISION_MS = 1_000;
const OLDEST_UNSEEN_MS = 24 * 3_600_000;

/** Orders that a window is chosen from, at the most. */
const MOST_COVERABLE = 3_000;
const YOUNG_MS = 12 * 60_000;

/** Which list, if any, tells more than the check of one order. */
export class SweepPlanner {
  readonly #options: SweepPlannerOptions;
  /** As wide a window of creation times as one page holds, learned from the pages that came. */
  #widthMs = FIRST_WIDTH_MS;

  constructor(options: SweepPlannerOptions) {
    this.#options = options;
  }

  /**
   * Of all windows of creation time that fit on a page, the one whose list brings the most lag to an end;
   * `undefined` where a check of the neediest order does as well.
   */
  async forSchedule(due: Due): Promise<Sweep | undefined> {
    const at = this.#creationOf(due.orderId, due.order);
    if (at === undefined) return undefined;
    const covered = bestWindow(await this.#coverable(at), this.#widthMs);
    return totalGainMs(covered) > due.gainMs ? sweepOf(covered) : undefined;
  }

  /** The list that answers the most queries beside the one for this order; `undefined` where it is the only one. */
  async forRequests(orderId: string): Promise<Sweep | undefined> {
    const { requests } = this.#options;
    if (requests.size < 2) return undefined;
    const at = this.#creationOf(orderId, await this.#options.store.find(orderId));
    if (at === undefined) return undefined;
    const coverable = await this.#coverable(at);
    const counted = coverable.map((each) => ({
      ...each,
      gainMs: requests.has(each.orderId) ? 1 : 0,
    }));
    const covered = bestWindow(counted, this.#widthMs);
    const isCovered = covered.some((each) => each.orderId === orderId);
    return isCovered && totalGainMs(covered) > 1 ? sweepOf(covered) : undefined;
  }

  /** Learns how wide a page is from one that came. */
  adapt({ from, to }: Sweep, rows: number): void {
    if (rows >= FULL_PAGE) this.#widthMs = Math.max(NARROWEST_MS, this.#widthMs * 0.8);
    else if (to - from > this.#widthMs / 2) {
      this.#widthMs = Math.min(WIDEST_MS, this.#widthMs * Math.min(1.5, FULL_PAGE / (rows + 1)));
    }
  }

  /** What a list could refresh beside an order of this creation time, the earliest first. */
  async #coverable(at: number): Promise<readonly Covered[]> {
    const now = this.#options.clock.now();
    // Orders in progress are young, as a rule: any of their windows may be the best one.
    const isYoung = at > now - YOUNG_MS;
    const [from, to] = isYoung
      ? [now - YOUNG_MS, now + ID_PRECISION_MS]
      : [at - this.#widthMs, at + this.#widthMs];
    const tracked = await this.#tracked({ from, to });
    const unseen = this.#unseen().filter(({ createdAt }) => from <= createdAt && createdAt <= to);
    return [...tracked, ...unseen].sort((a, b) => a.createdAt - b.createdAt);
  }

  async #tracked(range: {
    readonly from: number;
    readonly to: number;
  }): Promise<readonly Covered[]> {
    const { store, pacer, isBusy, clock } = this.#options;
    const now = clock.now();
    const tracked: Covered[] = [];
    for (const order of await store.createdWithin({ ...range, limit: MOST_COVERABLE })) {
      const { orderId, createdAt } = order.latest;
      if (createdAt === null || isBusy(orderId)) continue;
      tracked.push({ orderId, createdAt, gainMs: pacer.gainMs(order, now), order });
    }
    return tracked;
  }

  /** Orders that no call has shown yet, and that somebody watches or asks for. */
  #unseen(): readonly Covered[] {
    const { watchers, requests, pacer, isBusy, clock } = this.#options;
    const now = clock.now();
    const unseen = new Map<string, Covered>();
    const add = (orderId: string, gainMs: number) => {
      const createdAt = this.#creationOf(orderId, undefined);
      if (createdAt === undefined || isBusy(orderId)) return;
      unseen.set(orderId, { orderId, createdAt, gainMs, order: undefined });
    };
    for (const { orderId, isUnlisted } of requests) if (!isUnlisted) add(orderId, 0);
    for (const { orderId, dueAt, isUnlisted } of watchers.unseenDue(now)) {
      if (!isUnlisted) add(orderId, pacer.firstLookGainMs({ orderId, dueAt, now }));
    }
    return [...unseen.values()];
  }

  /** When the upstream took an order; `undefined` where that is not known, or no list is to be asked. */
  #creationOf(orderId: string, order: Order | undefined): number | undefined {
    const { trust, clock } = this.#options;
    if (!trust.isTrusted) return undefined;
    if (order !== undefined) return order.latest.createdAt ?? undefined;
    const createdAt = creationTimeOf(orderId);
    const now = clock.now();
    const isCredible =
      createdAt !== undefined && createdAt <= now + 60_000 && createdAt >= now - OLDEST_UNSEEN_MS;
    return isCredible ? createdAt : undefined;
  }
}

/** Of all runs of neighbours that fit on a page, that of the largest gain. */
function bestWindow(coverable: readonly Covered[], widthMs: number): readonly Covered[] {
  let [bestStart, bestEnd, mostMs] = [0, 0, -1];
  let start = 0;
  let gainMs = 0;
  for (const [end, each] of coverable.entries()) {
    gainMs += each.gainMs;
    for (let first = coverable[start]; first !== undefined; first = coverable[start]) {
      if (each.createdAt - first.createdAt <= widthMs && end - start < FULL_PAGE) break;
      gainMs -= first.gainMs;
      start += 1;
    }
    if (gainMs > mostMs) [bestStart, bestEnd, mostMs] = [start, end + 1, gainMs];
  }
  return coverable.slice(bestStart, bestEnd);
}

function totalGainMs(covered: readonly Covered[]): number {
  return covered.reduce((sum, { gainMs }) => sum + gainMs, 0);
}

/** A list of one order tells no more than its check, and leaves out what only that tells. */
function sweepOf(covered: readonly Covered[]): Sweep | undefined {
  const [first, last] = [covered[0], covered.at(-1)];
  if (covered.length < 2 || first === undefined || last === undefined) return undefined;
  return {
    from: first.createdAt - ID_PRECISION_MS,
    to: last.createdAt + ID_PRECISION_MS,
    covered,
  };
}
