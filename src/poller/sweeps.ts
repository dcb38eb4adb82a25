import { isParked, planner } from '../core/cadence.ts';
import type { Order, SnapshotLog, UnplannedOrder } from '../core/store.ts';
import { isSettled, lacksCard, type Observation, statusOf } from '../core/topup.ts';
import type { ListAnswer } from '../upstream/answer.ts';
import type { UpstreamClient } from '../upstream/client.ts';
import type { Covered } from './best-page.ts';
import { LATEST_ROW_MS } from './late-ends.ts';
import type { ListTrust } from './list-trust.ts';
import type { ListedEnds } from './listed-ends.ts';
import type { MissingCards } from './missing-cards.ts';
import type { News } from './news.ts';
import type { Pacer } from './pace.ts';
import type { Requests } from './requests.ts';
import type { Sweep, SweepPlanner } from './sweep-planner.ts';
import type { Watchers } from './watchers.ts';

interface SweepsOptions {
  readonly store: Pick<SnapshotLog, 'find' | 'recordAll'>;
  readonly client: Pick<UpstreamClient, 'list'>;
  readonly watchers: Watchers;
  readonly requests: Requests;
  readonly pacer: Pacer;
  readonly sweepPlanner: SweepPlanner;
  readonly trust: ListTrust;
  readonly listedEnds: ListedEnds;
  readonly missingCards: MissingCards;
  readonly news: Pick<News, 'recorded'>;
}

type Listed = Extract<ListAnswer, { kind: 'listed' }>;

/** Makes sweeps: calls the upstream's list and records what it shows of the orders that the sweep covers. */
export class Sweeps {
  readonly #options: SweepsOptions;

  constructor(options: SweepsOptions) {
    this.#options = options;
  }

  /**
   * Makes one sweep. Calls `onAnswer` as soon as the answer arrives, before it is recorded. Resolves to the recorded
   * orders, none if the call failed or the list is stale; rejects if the store fails.
   */
  async run(sweep: Sweep, onAnswer: (answer: ListAnswer) => void): Promise<readonly Order[]> {
    const { client, trust } = this.#options;
    const failuresBefore = trust.failuresInRow;
    const answer = await client.list(sweep);
    onAnswer(answer);
    if (answer.kind === 'listed') return this.#take(sweep, answer);
    if (answer.kind === 'failed') trust.failed(answer.reason, failuresBefore);
    return [];
  }

  async #take(sweep: Sweep, list: Listed): Promise<readonly Order[]> {
    const { trust } = this.#options;
    if (await this.#isStale(list)) {
      trust.lost('stale rows');
      return [];
    }
    trust.answered(list.askedAt);
    const isComplete = await this.#noteAbsent(sweep, list);
    const covered = new Set(sweep.covered.map(({ orderId }) => orderId));
    const rows = list.observations.filter(({ orderId }) => covered.has(orderId)).sort(byEnd);
    const orders = await this.#record(this.#recordable(rows), list.askedAt);
    // None of the orders that a sweep covers had ended yet, as far as the log knew.
    if (rows.some(({ upstreamStatus }) => isSettled(upstreamStatus)))
      trust.confirmation.confirmed();
    else trust.confirmation.expected(this.#expectedEnds(sweep, list));
    if (isComplete) trust.proved();
    return orders;
  }

  /** Learns from the orders that a list does not show. Returns whether it shows all that it should. */
  async #noteAbsent(sweep: Sweep, list: Listed): Promise<boolean> {
    const { sweepPlanner, trust } = this.#options;
    const { pageSize } = sweepPlanner;
    const absent = absentOf(sweep, list);
    const hidden = list.rows < pageSize.rows ? absent.filter((each) => isHidden(each, list)) : [];
    const missing = absent.filter((each) => !hidden.includes(each));
    for (const { orderId } of list.observations) trust.shown(orderId);
    for (const { orderId } of hidden) trust.hidden(orderId);
    pageSize.learn({ ...list, missing });
    await sweepPlanner.adapt(sweep, list.rows, missing.length > 0);
    // A full page may have had no room for the missing orders.
    if (list.rows >= pageSize.rows) return missing.length === 0;
    this.#leaveToChecks(missing, { sweep, list });
    return knownOf(missing).length === 0;
  }

  #expectedEnds({ covered }: Sweep, { askedAt: to }: Listed): number {
    const { pacer } = this.#options;
    let ends = 0;
    for (const { order } of covered) {
      if (order !== undefined) ends += pacer.chanceOfEnd(order, { from: order.checkedAt, to });
    }
    return ends;
  }

  /** The rows that can be recorded as the list shows them; each of the others is an end that a check has to show. */
  #recordable(rows: readonly Observation[]): readonly Observation[] {
    return rows.filter((row) => {
      if (!isSettled(row.upstreamStatus) || this.#isWhole(row)) return true;
      this.#checkEnd(row);
      return false;
    });
  }

  /** Whether an end can be recorded as the list shows it. */
  #isWhole(row: Observation): boolean {
    return !needsSingleCheck(row) && this.#options.listedEnds.isTaken(row);
  }

  #checkEnd(row: Observation): void {
    const { listedEnds, missingCards } = this.#options;
    if (needsSingleCheck(row)) missingCards.add(row.orderId);
    else if (!listedEnds.mustWait(row) && missingCards.add(row.orderId)) listedEnds.checking(row);
  }

  /** Has orders that a list left out checked one by one. */
  #leaveToChecks(
    missing: Sweep['covered'],
    { sweep, list }: { readonly sweep: Sweep; readonly list: Listed },
  ): void {
    const { watchers, requests, trust } = this.#options;
    for (const { orderId } of missing) {
      watchers.notListed(orderId);
      requests.notListed(orderId);
    }
    const leftOut = knownOf(missing).filter(({ trackedSince }) => trackedSince < latestFor(list));
    if (leftOut.length === 0) return;
    const ids = leftOut.map(({ latest }) => latest.orderId);
    trust.leftOut(ids, knownOf(sweep.covered).length);
  }

  async #record(shown: readonly Observation[], askedAt: number): Promise<readonly Order[]> {
    const { store, watchers, pacer, news } = this.#options;
    const plan = (order: UnplannedOrder) =>
      planner(watchers.has(order.latest.orderId), { pace: pacer.pace, askedAt })(order);
    const recorded = await store.recordAll(shown, plan);
    for (const each of recorded) {
      watchers.seen(each.order.latest.orderId);
      news.recorded(each);
    }
    return recorded.map(({ order }) => order);
  }

  /** Whether the list shows an order as unsettled that the log has long known as settled: such a list lags behind. */
  async #isStale(list: Listed): Promise<boolean> {
    for (const row of list.observations) {
      if (isSettled(row.upstreamStatus)) continue;
      const known = await this.#options.store.find(row.orderId);
      if (known === undefined || !isSettled(known.latest.upstreamStatus)) continue;
      if (known.checkedAt < latestFor(list)) return true;
    }
    return false;
  }
}

/** The orders of a sweep that its list did not show. */
function absentOf(sweep: Sweep, { observations }: Listed): Sweep['covered'] {
  const shown = new Set(observations.map(({ orderId }) => orderId));
  return sweep.covered.filter(({ orderId }) => !shown.has(orderId));
}

/** Whether an absent order is parked, and so are none of those shown: perhaps lists show no such orders at all. */
function isHidden({ order }: Covered, { observations }: Listed): boolean {
  if (order === undefined || !isParked(order)) return false;
  return !observations.some(({ upstreamStatus }) => statusOf(upstreamStatus) === 'QUEUED');
}

function knownOf(covered: Sweep['covered']): readonly Order[] {
  return covered.flatMap(({ order }) => (order === undefined ? [] : [order]));
}

/** What was known by then, this list must show. */
function latestFor({ askedAt }: Listed): number {
  return askedAt - LATEST_ROW_MS;
}

/** Sorts by `processedAt`, so that the order that settled first is recorded, or checked for its card, first. */
function byEnd(one: Observation, other: Observation): number {
  return (one.processedAt ?? 0) - (other.processedAt ?? 0);
}

/** Settled, but without the card or the reason of the refund, which only a single check shows. */
function needsSingleCheck(observation: Observation): boolean {
  const { upstreamStatus, refundMessage } = observation;
  return lacksCard(observation) || (upstreamStatus === 'REFUNDED' && refundMessage === null);
}
