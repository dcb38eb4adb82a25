import type { Clock } from '../../src/core/ports.ts';
import type { Order, Store } from '../../src/core/store.ts';
import type { UpstreamClient } from '../../src/upstream/client.ts';

const PAGE = 100;
const LATENCY_MS = 300;

/**
 * An upstream at which nothing ever happens: it tells of each order what the log knows already. It keeps
 * nothing of its own, so that whatever grows with the orders is the gateway's.
 */
export class StillUpstream implements UpstreamClient {
  calls = 0;
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  async check(orderId: string) {
    const askedAt = await this.#answered();
    const order = await this.#store.find(orderId);
    if (order === undefined) return { kind: 'unknown' as const };
    return { kind: 'observed' as const, observation: this.#confirm(order), askedAt };
  }

  async list({ from, to }: { readonly from: number; readonly to: number }) {
    const askedAt = await this.#answered();
    const orders = await this.#store.createdWithin({ from, to, limit: PAGE });
    return {
      kind: 'listed' as const,
      rows: orders.length,
      observations: orders.map((order) => this.#confirm(order)),
      askedAt,
    };
  }

  validate(): never {
    throw new Error('not asked here');
  }

  /** Returns when it was asked. */
  async #answered(): Promise<number> {
    const askedAt = this.#clock.now();
    this.calls += 1;
    await new Promise<void>((resolve) => this.#clock.after(LATENCY_MS, resolve));
    return askedAt;
  }

  #confirm({ latest }: Order) {
    return { ...latest, observedAt: this.#clock.now() };
  }
}
