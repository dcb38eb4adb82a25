import { freshUntil, isAbandoned, woken } from '../core/cadence.ts';
import type { Clock } from '../core/ports.ts';
import type { Order, Schedule, SnapshotLog } from '../core/store.ts';
import { isSettled } from '../core/topup.ts';
import type { MayAsk, Topups } from '../core/topups.ts';
import { type TopupView, viewOf } from '../core/view.ts';
import type { Dispatcher } from './dispatcher.ts';
import { UnknownOrders } from './unknown-orders.ts';

export interface LookupsOptions {
  readonly store: SnapshotLog & Schedule;
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
    const { store, dispatcher, clock } = this.#options;
    const order = await store.find(orderId);
    if (order === undefined && this.#unknown.has(orderId)) return null;
    if (order !== undefined && this.#willDo(order, maxAgeMs)) return viewOf(order, clock.now());
    const refusal = dispatcher.wouldAsk(orderId) ? mayAsk() : undefined;
    if (refusal === undefined)
      return order === undefined ? this.#first(orderId) : this.#refresh(order);
    if (order === undefined || maxAgeMs !== undefined) throw refusal;
    return { ...viewOf(order, clock.now()), isStale: true };
  }

  #willDo(order: Order, maxAgeMs: number | undefined): boolean {
    return this.#options.clock.now() <= freshUntil(order, maxAgeMs);
  }

  async #first(orderId: string): Promise<TopupView | null> {
    const checked = await this.#options.dispatcher.request(orderId);
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
    const { store, dispatcher, clock } = this.#options;
    if (isAbandoned(order)) await store.reschedule(orderId, woken(order, clock.now()));
    const checked = await dispatcher.request(orderId);
    if (checked.kind === 'observed') return viewOf(checked.order, clock.now());
    // A snapshot appended during the wait is newer than `order`.
    const held = (await store.find(orderId)) ?? order;
    return { ...viewOf(held, clock.now()), isStale: !isSettled(held.latest.upstreamStatus) };
  }
}
