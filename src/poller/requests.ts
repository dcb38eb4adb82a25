import type { Clock, Timer } from '../core/ports.ts';
import { GatewayError } from '../errors.ts';
import type { CallBudget } from './budget.ts';
import type { Checked } from './checker.ts';
import type { UpstreamGate } from './gate.ts';

/** How long a query waits for a look before it fails. */
const LONGEST_WAIT_MS = 5_000;

/** Beyond this number, queries cannot be answered within the longest wait, not even by lists. */
const MOST_WAITING = 1_000;

const SPENT = 'The calls that the API key allows are spent for the moment.';
const SLOW = 'OneClickDz is slow to answer just now.';

interface Request {
  readonly promise: Promise<Checked>;
  readonly settle: (checked: Checked) => void;
  readonly timer: Timer;
  /** A list that should have shown the order did not: only a single check tells whether the order exists. */
  isUnlisted: boolean;
}

interface RequestsOptions {
  readonly gate: UpstreamGate;
  readonly budget: CallBudget;
  readonly clock: Clock;
}

/** Queries that wait for a look at an order, in the order of their arrival. Queries for one order share an entry. */
export class Requests {
  readonly #options: RequestsOptions;
  readonly #byOrder = new Map<string, Request>();

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byOrder.size;
  }

  has(orderId: string): boolean {
    return this.#byOrder.has(orderId);
  }

  *[Symbol.iterator](): Iterator<{ readonly orderId: string; readonly isUnlisted: boolean }> {
    for (const [orderId, { isUnlisted }] of this.#byOrder) yield { orderId, isUnlisted };
  }

  /** Waits for the next look at an order. Resolves to a failure after five seconds, or at once if too many wait. */
  add(orderId: string): Promise<Checked> {
    const shared = this.#byOrder.get(orderId)?.promise;
    if (shared !== undefined) return shared;
    if (this.size >= MOST_WAITING) {
      return Promise.resolve(this.#inVain());
    }
    const { promise, resolve: settle } = Promise.withResolvers<Checked>();
    const giveUp = () => this.settle(orderId, this.#inVain());
    const timer = this.#options.clock.after(LONGEST_WAIT_MS, giveUp);
    this.#byOrder.set(orderId, { promise, settle, timer, isUnlisted: false });
    return promise;
  }

  /** Removes the order's request, for a call that will answer it, and returns the function that does so. */
  take(orderId: string): ((checked: Checked) => void) | undefined {
    const request = this.#byOrder.get(orderId);
    request?.timer.cancel();
    this.#byOrder.delete(orderId);
    return request?.settle;
  }

  settle(orderId: string, checked: Checked): void {
    this.take(orderId)?.(checked);
  }

  notListed(orderId: string): void {
    const request = this.#byOrder.get(orderId);
    if (request !== undefined) request.isUnlisted = true;
  }

  failAll(error: GatewayError): void {
    for (const orderId of [...this.#byOrder.keys()])
      this.settle(orderId, { kind: 'failed', error });
  }

  /** The outcome for a query that cannot be answered within the time that queries wait. */
  #inVain(): Checked {
    const { gate, budget, clock } = this.#options;
    const options = { retryAfterMs: budget.waitMs(this.size + 1) };
    const error =
      gate.stateAt(clock.steady()).name === 'serving'
        ? new GatewayError('UPSTREAM_THROTTLED', SPENT, options)
        : new GatewayError('UPSTREAM_UNAVAILABLE', SLOW, options);
    return { kind: 'failed', error };
  }
}
