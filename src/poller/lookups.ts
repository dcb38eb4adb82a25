import { freshUntil, isAbandoned, woken } from '../core/cadence.ts';
import type { Clock } from '../core/ports.ts';
import type { Order, Schedule, SnapshotLog } from '../core/store.ts';
import { isSettled } from '../core/topup.ts';
import type { MayAsk, Topups } from '../core/topups.ts';
import { type TopupView, viewOf } from '../core/view.ts';
import type { Checked } from './checker.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { GateKeeper } from './gate-keeper.ts';
import type { InFlight } from './in-flight.ts';
import type { Requests } from './requests.ts';
import { UnknownOrders } from './unknown-orders.ts';

interface LookupsOptions {
  readonly store: Pick<SnapshotLog & Schedule, 'find' | 'reschedule'>;
  readonly requests: Requests;
  readonly inFlight: InFlight;
  readonly gateKeeper: GateKeeper;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
}

/** Answers queries: from the log if that is fresh enough, otherwise from one look that concurrent queries share. */
export class Lookups implements Topups {
  readonly #options: LookupsOptions;
  readonly #unknown: UnknownOrders;

  constructor(options: LookupsOptions) {
    this.#options = options;
    this.#unknown = new UnknownOrders(options.clock);
  }

  async lookup(
    orderId: string,
    maxAgeMs?: number,
    mayAsk: MayAsk = () => undefined,
  ): Promise<TopupView | null> {
    const { store, clock } = this.#options;
    const order = await store.find(orderId);
    if (order === undefined && this.#unknown.has(orderId)) return null;
    if (order !== undefined && this.#willDo(order, maxAgeMs)) return viewOf(order, clock.now());
    const refusal = this.#wouldAsk(orderId) ? mayAsk() : undefined;
    if (refusal === undefined)
      return order === undefined ? this.#first(orderId) : this.#refresh(order);
    if (order === undefined || maxAgeMs !== undefined) throw refusal;
    return { ...viewOf(order, clock.now()), isStale: true };
  }

  #willDo(order: Order, maxAgeMs: number | undefined): boolean {
    return this.#options.clock.now() <= freshUntil(order, maxAgeMs);
  }

  async #first(orderId: string): Promise<TopupView | null> {
    const checked = await this.#look(orderId);
    switch (checked.kind) {
      case 'observed':
        return viewOf(checked.order, this.#options.clock.now());
      case 'unknown':
        this.#unknown.add(orderId);
        return null;
      case 'failed':
        throw checked.error;
    }
  }

  async #refresh(order: Order): Promise<TopupView> {
    const { orderId } = order.latest;
    const { store, clock } = this.#options;
    if (isAbandoned(order)) await store.reschedule(orderId, woken(order, clock.now()));
    const checked = await this.#look(orderId);
    if (checked.kind === 'observed') return viewOf(checked.order, clock.now());
    // A snapshot appended during the wait is newer than `order`.
    const held = (await store.find(orderId)) ?? order;
    return { ...viewOf(held, clock.now()), isStale: !isSettled(held.latest.upstreamStatus) };
  }

  /**
   * One look at this order as soon as the budget allows, shared by all concurrent queries for it. Never rejects: a
   * failure, or too long a wait, is a `failed` result.
   */
  #look(orderId: string): Promise<Checked> {
    const { requests, inFlight, gateKeeper, dispatcher } = this.#options;
    const checking = inFlight.checkOf(orderId);
    if (checking !== undefined) return this.#lookAgain(orderId, checking);
    const { refusal } = gateKeeper;
    if (refusal !== undefined) return Promise.resolve({ kind: 'failed', error: refusal });
    const promise = requests.add(orderId);
    dispatcher.wake();
    return promise;
  }

  /** A check that nobody waited for is given up sooner than one for a query: then the query has one of its own. */
  async #lookAgain(orderId: string, checking: Promise<Checked>): Promise<Checked> {
    const checked = await checking;
    return checked.kind === 'failed' && checked.wasGivenUp === true ? this.#look(orderId) : checked;
  }

  /** Whether `#look` would lead to a call that no other query is waiting for. */
  #wouldAsk(orderId: string): boolean {
    const { requests, inFlight, gateKeeper } = this.#options;
    if (requests.has(orderId) || inFlight.checkOf(orderId) !== undefined) return false;
    return gateKeeper.refusal === undefined;
  }
}
