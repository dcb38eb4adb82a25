import { planner } from '../core/cadence.ts';
import type { Order, Recorded, Schedule, SnapshotLog, UnplannedOrder } from '../core/store.ts';
import { isSettled, type Observation } from '../core/topup.ts';
import type { ListAnswer } from '../upstream/answer.ts';
import type { UpstreamClient } from '../upstream/client.ts';
import type { ListTrust } from './list-trust.ts';
import type { Pacer } from './pace.ts';
import type { Requests } from './requests.ts';
import { PAGE, type Sweep, type SweepPlanner } from './sweep-planner.ts';
import type { Watchers } from './watchers.ts';

export interface SweepsOptions {
  readonly store: SnapshotLog & Schedule;
  readonly client: UpstreamClient;
  readonly watchers: Watchers;
  readonly requests: Requests;
  readonly pacer: Pacer;
  readonly planner: SweepPlanner;
  readonly trust: ListTrust;
  /** Orders that a list showed settled without all that a check tells, the first to be asked first. */
  readonly cards: Set<string>;
  readonly onRecorded: (recorded: Recorded) => void;
}

type Listed = Extract<ListAnswer, { kind: 'listed' }>;

/** Makes a sweep: asks, and takes down what the list shows of the orders that it was made for. */
export class Sweeps {
  readonly #options: SweepsOptions;

  constructor(options: SweepsOptions) {
    this.#options = options;
  }

  /** Tells `onAnswer` at once, before anything is on disk. Returns the orders that were taken down. */
  async run(sweep: Sweep, onAnswer: (answer: ListAnswer) => void): Promise<readonly Order[]> {
    const { client, trust } = this.#options;
    const answer = await client.list({ from: sweep.from, to: sweep.to, page: 1 });
    onAnswer(answer);
    if (answer.kind === 'listed') return this.#take(sweep, answer);
    if (answer.kind === 'failed') trust.lost(answer.reason);
    return [];
  }

  async #take(sweep: Sweep, list: Listed): Promise<readonly Order[]> {
    const { planner: pages, trust, cards } = this.#options;
    await pages.adapt(sweep, list.rows);
    const isComplete = this.#isComplete(sweep, list);
    if (await this.#isStale(list.observations)) {
      trust.lost('stale rows');
      return [];
    }
    const covered = new Set(sweep.covered.map(({ orderId }) => orderId));
    const news: Observation[] = [];
    for (const row of [...list.observations].sort(byEnd)) {
      if (!covered.has(row.orderId)) continue;
      if (needsSingleCheck(row)) cards.add(row.orderId);
      else news.push(row);
    }
    const orders = await this.#record(news, list.askedAt);
    if (isComplete) trust.proved();
    return orders;
  }

  /** Whether the list shows all that it should; what it leaves out is asked for one by one. */
  #isComplete(sweep: Sweep, list: Listed): boolean {
    const { watchers, requests, trust } = this.#options;
    const shown = new Set(list.observations.map(({ orderId }) => orderId));
    const missing = sweep.covered.filter(({ orderId }) => !shown.has(orderId));
    // A full page may have had no room for them.
    if (list.rows >= PAGE) return missing.length === 0;
    for (const { orderId } of missing) {
      watchers.notListed(orderId);
      requests.notListed(orderId);
    }
    const isComplete = missing.every(({ order }) => order === undefined);
    if (!isComplete) trust.lost('missing orders');
    return isComplete;
  }

  async #record(news: readonly Observation[], askedAt: number): Promise<readonly Order[]> {
    const { store, watchers, pacer, onRecorded } = this.#options;
    const plan = (order: UnplannedOrder) =>
      planner(watchers.has(order.latest.orderId), { pace: pacer.pace, askedAt })(order);
    const recorded = await store.recordAll(news, plan);
    for (const each of recorded) {
      watchers.seen(each.order.latest.orderId);
      onRecorded(each);
    }
    return recorded.map(({ order }) => order);
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
}

/** Whoever has waited longest comes first. */
function byEnd(one: Observation, other: Observation): number {
  return (one.processedAt ?? 0) - (other.processedAt ?? 0);
}

/** Settled, but without the card, or the reason of a refund: a single check tells. */
function needsSingleCheck({ upstreamStatus, cardCode, refundMessage }: Observation): boolean {
  if (!isSettled(upstreamStatus)) return false;
  return upstreamStatus === 'FULFILLED' ? cardCode === null : refundMessage === null;
}
