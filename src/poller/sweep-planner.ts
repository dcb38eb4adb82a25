import { SHORTEST_LIST_INTERVAL_MS } from '../core/cadence.ts';
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
  /** What it adds to what a page is worth that shows it. */
  readonly worthMs: number;
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

/** An id tells the creation to the second, and so may a row. */
const SECOND_MS = 1_000;
const OLDEST_UNSEEN_MS = 24 * 3_600_000;

/** How much of what the last page told of strangers is kept with each page. */
const MEMORY = 0.8;
const MORE = 1.1;

/** Orders that a window is chosen from, at the most. */
const MOST_COVERABLE = 4_000;
const YOUNG_MS = 12 * 60_000;

/** Which list, if any, tells more than the check of one order. */
export class SweepPlanner {
  readonly #options: SweepPlannerOptions;
  /** Rows on a page for each order that the log knows of: more than one where others send orders too. */
  #rowsPerOrder = 1;

  constructor(options: SweepPlannerOptions) {
    this.#options = options;
  }

  /**
   * Of all windows of creation time that fit on a page, the one whose list brings the most lag to an end;
   * `undefined` where a check of the neediest order does as well.
   */
  async forSchedule(due: Due): Promise<Sweep | undefined> {
    const now = this.#options.clock.now();
    const at = this.#creationOf(due.orderId, due.order);
    const pages = [await this.#bestPage(await this.#coverable(now))];
    if (at !== undefined && !isYoung(at, now)) {
      pages.push(await this.#bestPage(await this.#coverable(at)));
    }
    const best = pages.reduce((a, b) => (totalWorthMs(b) > totalWorthMs(a) ? b : a));
    return totalGainMs(best) > due.gainMs ? sweepOf(best) : undefined;
  }

  /** The list that answers the most queries beside the one for this order; `undefined` where it is the only one. */
  async forRequests(orderId: string): Promise<Sweep | undefined> {
    const { requests } = this.#options;
    if (requests.size < 2) return undefined;
    const at = this.#creationOf(orderId, await this.#options.store.find(orderId));
    if (at === undefined) return undefined;
    const coverable = await this.#coverable(at);
    const counted = coverable.map((each) => {
      const wanted = requests.has(each.orderId) ? 1 : 0;
      return { ...each, gainMs: wanted, worthMs: wanted };
    });
    const covered = await this.#bestPage(counted);
    const isCovered = covered.some((each) => each.orderId === orderId);
    return isCovered && totalGainMs(covered) > 1 ? sweepOf(covered) : undefined;
  }

  /** Learns from a page that came how many of its rows are of orders that the log knows nothing of. */
  async adapt(sweep: Sweep, rows: number): Promise<void> {
    const known = await this.#options.store.creationTimes(sweep);
    const unseen = sweep.covered.filter(({ order }) => order === undefined).length;
    const expected = Math.max(1, known.length + unseen);
    // A full page does not tell how many more there are: a tenth more, until one is not full.
    const isFull = rows >= PAGE && expected < PAGE;
    const seen = isFull ? this.#rowsPerOrder * MORE : rows / expected;
    const kept = isFull ? 0 : MEMORY;
    this.#rowsPerOrder = Math.max(1, this.#rowsPerOrder * kept + seen * (1 - kept));
  }

  /** Of all that fits on one page, the run of neighbours whose gain is largest. */
  async #bestPage(coverable: readonly Covered[]): Promise<readonly Covered[]> {
    const [first, last] = [coverable[0], coverable.at(-1)];
    if (first === undefined || last === undefined) return [];
    const range = { from: first.createdAt, to: latestCreation(last) };
    const known = await this.#options.store.creationTimes(range);
    return bestPage(coverable, known, PAGE / this.#rowsPerOrder);
  }

  /** What a list could refresh beside an order of this creation time, the earliest first. */
  async #coverable(at: number): Promise<readonly Covered[]> {
    if (!this.#options.trust.isTrusted) return [];
    const now = this.#options.clock.now();
    // Orders in progress are young, as a rule: any of their windows may be the best one.
    const [from, to] = isYoung(at, now)
      ? [now - YOUNG_MS, now + SECOND_MS]
      : [at - YOUNG_MS / 2, at + YOUNG_MS / 2];
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
      const isFresh = now - order.checkedAt < SHORTEST_LIST_INTERVAL_MS;
      if (createdAt === null || isFresh || isBusy(orderId)) continue;
      tracked.push({
        orderId,
        createdAt,
        gainMs: pacer.gainMs(order, now),
        worthMs: pacer.pageWorthMs(order, now),
        order,
      });
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
      unseen.set(orderId, { orderId, createdAt, gainMs, worthMs: gainMs, order: undefined });
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

function isYoung(createdAt: number, now: number): boolean {
  return createdAt > now - YOUNG_MS;
}

/**
 * Of all runs of neighbours that fit on a page, that of the largest gain. A page shows every order of its
 * window, those of the log, whose creation times `known` are, and those that it has never seen.
 */
function bestPage(
  coverable: readonly Covered[],
  known: readonly number[],
  rows: number,
): readonly Covered[] {
  // An id tells an unseen order's creation to the second only: as many of that second may be on the page.
  const unseen = coverable.flatMap(({ order, createdAt }) =>
    order === undefined ? [createdAt] : [],
  );
  const rowsUntil = (moment: number) => countUntil(known, moment) + countUntil(unseen, moment);
  const ends = running(coverable, (each) => rowsUntil(latestCreation(each)));
  const starts = coverable.map(({ createdAt }) => rowsUntil(createdAt - 1));
  const worths = sums(coverable, ({ worthMs }) => worthMs);
  const rowsOf = (start: number, end: number) => at(ends, end) - at(starts, start);
  let [bestStart, bestEnd, mostMs] = [0, 0, -1];
  let start = 0;
  for (let end = 0; end < coverable.length; end += 1) {
    while (start < end && rowsOf(start, end) > rows) start += 1;
    const worthMs = at(worths, end + 1) - at(worths, start);
    if (worthMs > mostMs) [bestStart, bestEnd, mostMs] = [start, end + 1, worthMs];
  }
  return coverable.slice(bestStart, bestEnd);
}

/** How many of these ascending times are at or before a moment. */
function countUntil(times: readonly number[], moment: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(times, middle) <= moment) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The sum of all before each index, and of all. */
function sums<T>(items: readonly T[], value: (item: T) => number): readonly number[] {
  const totals = [0];
  for (const item of items) totals.push(at(totals, totals.length - 1) + value(item));
  return totals;
}

/** The largest value up to each index. */
function running<T>(items: readonly T[], value: (item: T) => number): readonly number[] {
  let most = Number.NEGATIVE_INFINITY;
  return items.map((item) => {
    most = Math.max(most, value(item));
    return most;
  });
}

function at(numbers: readonly number[], index: number): number {
  return numbers[index] ?? 0;
}

function totalWorthMs(covered: readonly Covered[]): number {
  return covered.reduce((sum, { worthMs }) => sum + worthMs, 0);
}

function totalGainMs(covered: readonly Covered[]): number {
  return covered.reduce((sum, { gainMs }) => sum + gainMs, 0);
}

/** A list of one order tells no more than its check, and leaves out what only that tells. */
function sweepOf(covered: readonly Covered[]): Sweep | undefined {
  const [first] = covered;
  if (covered.length < 2 || first === undefined) return undefined;
  const to = covered.reduce((latest, each) => Math.max(latest, latestCreation(each)), 0);
  return { from: first.createdAt - 1, to, covered };
}

/** A time that is told to the second only may be any of that second. */
function latestCreation({ createdAt }: Covered): number {
  return createdAt % SECOND_MS === 0 ? createdAt + SECOND_MS - 1 : createdAt + 1;
}
