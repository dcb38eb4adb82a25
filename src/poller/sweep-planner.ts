import { isParked } from '../core/cadence.ts';
import { MINUTE_MS, SECOND_MS } from '../core/durations.ts';
import { recentCreationOf } from '../core/order-id.ts';
import type { Clock } from '../core/ports.ts';
import type { Order, Schedule, SnapshotLog, Window } from '../core/store.ts';
import { bestPage, type Covered, type Page, type Room } from './best-page.ts';
import type { ListTrust } from './list-trust.ts';
import type { Pacer } from './pace.ts';
import { PageSize } from './page-size.ts';
import type { Requests } from './requests.ts';
import type { Watchers } from './watchers.ts';

/** One `list` call that refreshes many orders. */
export type Sweep = Page;

interface SweepPlannerOptions {
  readonly store: Pick<SnapshotLog & Schedule, 'find' | 'createdWithin' | 'creationTimes'>;
  readonly watchers: Watchers;
  readonly requests: Requests;
  readonly pacer: Pacer;
  readonly trust: ListTrust;
  readonly clock: Clock;
  /** Whether a call in flight, or one that is already bound to start, will show this order, or a check alone can. */
  readonly isBusy: (orderId: string) => boolean;
}

/** The weight of earlier pages in `#rowsPerOrder`, an exponential moving average. */
const MEMORY = 0.8;
/** The factor by which `#rowsPerOrder` grows with a full page, which does not show how many orders it left out. */
const MORE = 1.1;

/** The most orders that a window is chosen from. */
const MOST_COVERABLE = 4_000;
/** The best page is looked for among orders that were created less than this ago, or around an older one. */
const REACH_MS = 12 * MINUTE_MS;

/** A page that ends more than this share of all lag need not take turns with others. */
const MOST_PART = 2 / 3;

interface Best {
  readonly page: Page;
  readonly worth: number;
  /** The largest gain of any page; `page`, whose turn it is, may gain less. */
  readonly mostGainMs: number;
}

/** Finds the list, if any, that gains more than a check of one order. */
export class SweepPlanner {
  readonly #options: SweepPlannerOptions;
  /**
   * Rows on a page per order that the gateway knows of: above 1 if others send orders with the same key. Pages of old
   * orders tell nothing of young ones: few of those rows may be tracked.
   */
  readonly #rowsPerOrder = { young: 1, old: 1 };
  readonly pageSize: PageSize;

  constructor(options: SweepPlannerOptions) {
    this.#options = options;
    this.pageSize = new PageSize(options.clock);
  }

  /**
   * Of all windows of creation time that fit on a page, the one that is worth most, even if it shows one order alone;
   * `undefined` if a check of `due`, the neediest order, ends as much lag as any page.
   */
  async forSchedule(due: Pick<Covered, 'orderId' | 'order' | 'gainMs'>): Promise<Page | undefined> {
    const now = this.#options.clock.now();
    const at = this.#creationOf(due.orderId, due.order);
    const moments = at === undefined || isInReach(at, now) ? [now] : [now, at];
    let best: Best | undefined;
    for (const moment of moments) {
      const page = await this.#bestAround(moment);
      if (page !== undefined && page.worth > (best?.worth ?? -1)) best = page;
    }
    return best !== undefined && best.mostGainMs > due.gainMs ? best.page : undefined;
  }

  /** Whether the pages among which the best one is looked for never show this order. */
  isOutOfReach({ latest: { orderId, createdAt } }: Order): boolean {
    const { clock, trust } = this.#options;
    if (createdAt === null || trust.leavesOut(orderId)) return true;
    return !isInReach(createdAt, clock.now());
  }

  async #bestAround(moment: number): Promise<Best | undefined> {
    const coverable = await this.#coverable(moment);
    const room = await this.#roomAmong(coverable);
    const gaining = bestPage(coverable, { ...room, worthOf: ({ gainMs }) => gainMs });
    if (gaining === undefined) return undefined;
    const mostGainMs = total(gaining.covered, 'gainMs');
    const isMost = mostGainMs > MOST_PART * total(coverable, 'gainMs');
    const inTurn = isMost
      ? gaining
      : bestPage(coverable, { ...room, worthOf: ({ worth }) => worth });
    const page = inTurn ?? gaining;
    return { page, worth: total(page.covered, 'worth'), mostGainMs };
  }

  /** The list that answers most queries; `undefined` unless it answers that for this order and at least one other. */
  async forRequests(orderId: string): Promise<Sweep | undefined> {
    const { requests, store } = this.#options;
    if (requests.size < 2) return undefined;
    const at = this.#creationOf(orderId, await store.find(orderId));
    return this.#showingMost({ orderId, at }, (each) => requests.has(each.orderId));
  }

  /**
   * The list that shows most parked orders; `undefined` unless it shows this one and at least one other. These need no
   * check of their own then.
   */
  async forParked(order: Order): Promise<Sweep | undefined> {
    const { orderId } = order.latest;
    const at = this.#creationOf(orderId, order);
    const isOneMore = (each: Covered) => each.order !== undefined && isParked(each.order);
    return this.#showingMost({ orderId, at }, isOneMore);
  }

  async #showingMost(
    { orderId, at }: { readonly orderId: string; readonly at: number | undefined },
    isWanted: (covered: Covered) => boolean,
  ): Promise<Sweep | undefined> {
    if (at === undefined) return undefined;
    const coverable = await this.#coverable(at);
    const room = await this.#roomAmong(coverable);
    const page = bestPage(coverable, { ...room, worthOf: (each) => (isWanted(each) ? 1 : 0) });
    const wanted = page?.covered.filter(isWanted) ?? [];
    const isCovered = wanted.some((each) => each.orderId === orderId);
    return isCovered && wanted.length > 1 ? page : undefined;
  }

  /**
   * Learns from a page how many rows there are per order that the gateway knows of. `isLacking`: the page did not show
   * all orders that it was asked for.
   */
  async adapt(sweep: Sweep, rows: number, isLacking = false): Promise<void> {
    const known = await this.#options.store.creationTimes(sweep);
    const unseen = sweep.covered.filter(({ order }) => order === undefined).length;
    const expected = Math.max(1, known.length + unseen);
    // A full page does not show how many orders it left out: assume a tenth more, until a page is not full.
    const most = this.pageSize.rows;
    const isFull = rows >= most && (expected < most || (expected === most && isLacking));
    const age = this.#ageOf(sweep.to);
    const before = this.#rowsPerOrder[age];
    const seen = isFull ? before * MORE : rows / expected;
    const kept = isFull ? 0 : MEMORY;
    this.#rowsPerOrder[age] = Math.max(1, before * kept + seen * (1 - kept));
  }

  #ageOf(latest: number): 'young' | 'old' {
    return isInReach(latest, this.#options.clock.now()) ? 'young' : 'old';
  }

  /** How many orders fit on a page, and which orders of the log would take up that room. */
  async #roomAmong(coverable: readonly Covered[]): Promise<Room> {
    const [first, last] = [coverable[0], coverable.at(-1)];
    if (first === undefined || last === undefined) return { known: [], rows: this.pageSize.rows };
    const rows = this.pageSize.rows / this.#rowsPerOrder[this.#ageOf(last.createdAt)];
    const range = { from: first.createdAt - SECOND_MS, to: last.createdAt + SECOND_MS };
    return { known: await this.#options.store.creationTimes(range), rows };
  }

  /** The orders that a list could refresh together with an order created at `at`, the earliest first. */
  async #coverable(at: number): Promise<readonly Covered[]> {
    if (!this.#options.trust.isTrusted) return [];
    const now = this.#options.clock.now();
    // Orders in progress are usually young, so any window of young orders may be the best one.
    const [from, to] = isInReach(at, now)
      ? // The upstream's clock may be ahead of ours.
        [now - REACH_MS, Number.MAX_SAFE_INTEGER]
      : [at - REACH_MS / 2, at + REACH_MS / 2];
    const tracked = await this.#tracked({ from, to });
    // A query may be for a tracked order too, which must not count twice.
    const trackedIds = new Set(tracked.map(({ orderId }) => orderId));
    const unseen = this.#unseen().filter(
      ({ orderId, createdAt }) => !trackedIds.has(orderId) && from <= createdAt && createdAt <= to,
    );
    return [...tracked, ...unseen].sort((a, b) => a.createdAt - b.createdAt);
  }

  async #tracked(window: Window): Promise<readonly Covered[]> {
    const { store, pacer, trust, isBusy, clock } = this.#options;
    const now = clock.now();
    const tracked: Covered[] = [];
    for (const order of await store.createdWithin({ ...window, limit: MOST_COVERABLE })) {
      const { orderId, createdAt } = order.latest;
      if (createdAt === null || isBusy(orderId) || trust.leavesOut(orderId)) continue;
      tracked.push({
        orderId,
        createdAt,
        gainMs: pacer.gainMs(order, now),
        worth: pacer.pageWorth(order, now),
        order,
      });
    }
    return tracked;
  }

  /** Orders that no call has shown yet, and that a client watches or queries. */
  #unseen(): readonly Covered[] {
    const { watchers, requests, pacer, trust, isBusy, clock } = this.#options;
    const now = clock.now();
    const unseen = new Map<string, Covered>();
    const add = (orderId: string, value: Pick<Covered, 'gainMs' | 'worth'>) => {
      const createdAt = this.#creationOf(orderId, undefined);
      if (createdAt === undefined || isBusy(orderId) || trust.leavesOut(orderId)) return;
      unseen.set(orderId, { orderId, createdAt, ...value, order: undefined });
    };
    for (const { orderId, isUnlisted } of requests) {
      if (!isUnlisted) add(orderId, { gainMs: 0, worth: 0 });
    }
    for (const look of watchers.unseenDue(now)) {
      if (look.isUnlisted) continue;
      const gainMs = pacer.firstLookGainMs(look, now);
      add(look.orderId, { gainMs, worth: pacer.firstLookPageWorth(look, now) });
    }
    return [...unseen.values()];
  }

  /** When the upstream created an order; `undefined` if that is unknown or lists are not trusted. */
  #creationOf(orderId: string, order: Order | undefined): number | undefined {
    const { trust, clock } = this.#options;
    if (!trust.isTrusted) return undefined;
    if (order !== undefined) return order.latest.createdAt ?? undefined;
    return recentCreationOf(orderId, clock.now());
  }
}

function isInReach(createdAt: number, now: number): boolean {
  return createdAt > now - REACH_MS;
}

function total(orders: readonly Covered[], value: 'worth' | 'gainMs'): number {
  return orders.reduce((sum, order) => sum + order[value], 0);
}
