import type { Clock } from '../core/ports.ts';
import type { GatewayError } from '../errors.ts';
import type { Checked } from './checker.ts';
import type { Sweep } from './sweep-planner.ts';

interface Check {
  readonly startedAt: number;
  readonly ended: Promise<void>;
  readonly shared: Promise<Checked>;
  readonly settle: (checked: Checked) => void;
}

/** The calls in flight: at any time, at most one is made for an order. */
export class InFlight {
  readonly #clock: Clock;
  readonly #checks = new Map<string, Check>();
  /** Calls that are not for one order, and when they started. */
  readonly #others = new Map<Promise<void>, number>();
  /** Orders that a list in flight will show. */
  readonly #swept = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** When each call in flight started, by `Clock.steady`, the earliest first. */
  get starts(): readonly number[] {
    const checks = [...this.#checks.values()].map(({ startedAt }) => startedAt);
    return [...checks, ...this.#others.values()].sort((one, other) => one - other);
  }

  /** The number of calls in flight. */
  get size(): number {
    return this.#checks.size + this.#others.size;
  }

  /** The number of orders that the calls in flight will show. */
  get orders(): number {
    return this.#checks.size + this.#swept.size;
  }

  has(orderId: string): boolean {
    return this.#checks.has(orderId) || this.#swept.has(orderId);
  }

  /** The result of the order's check in flight, to be shared by all queries for it; `undefined` if there is none. */
  checkOf(orderId: string): Promise<Checked> | undefined {
    return this.#checks.get(orderId)?.shared;
  }

  /** Adds a check; `checked` must never reject. Returns the result to share: that of `checked`, or of `giveUp`. */
  addCheck(orderId: string, checked: Promise<Checked>): Promise<Checked> {
    const { promise: shared, resolve: settle } = Promise.withResolvers<Checked>();
    const ended = checked.then((result) => {
      this.#checks.delete(orderId);
      settle(result);
    });
    this.#checks.set(orderId, { startedAt: this.#clock.steady(), ended, shared, settle });
    return shared;
  }

  /** Adds a sweep; `swept` must never reject. Resolves once the sweep's orders are no longer in flight. */
  addSweep({ covered }: Sweep, swept: Promise<void>): Promise<void> {
    for (const { orderId } of covered) this.#swept.add(orderId);
    const ended = swept.finally(() => {
      for (const { orderId } of covered) this.#swept.delete(orderId);
    });
    return this.addOther(ended);
  }

  /** Adds a call that shows no order; `called` must never reject. Resolves once it is no longer in flight. */
  addOther(called: Promise<void>): Promise<void> {
    const ended = called.finally(() => this.#others.delete(ended));
    this.#others.set(ended, this.#clock.steady());
    return ended;
  }

  /** Resolves once all calls that are in flight now are over. */
  async settled(): Promise<void> {
    await Promise.all([...this.#checks.values()].map(({ ended }) => ended));
    await Promise.all(this.#others.keys());
  }

  /** Fails all queries that wait for a check in flight. */
  giveUp(error: GatewayError): void {
    for (const { settle } of this.#checks.values()) settle({ kind: 'failed', error });
  }
}
