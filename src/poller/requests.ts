import type { Clock, Timer } from '../core/ports.ts';
import type { GatewayError } from '../errors.ts';
import type { Checked } from './checker.ts';

/** How long a query waits for a look before it fails. */
const LONGEST_WAIT_MS = 5_000;

/** Beyond this number, queries cannot be answered within the longest wait, not even by lists. */
const MOST_WAITING = 1_000;

interface Request {
  readonly promise: Promise<Checked>;
  readonly settle: (checked: Checked) => void;
  readonly timer: Timer;
  /** A list that should have shown the order did not: only a single check tells whether the order exists. */
  isUnlisted: boolean;
}

export interface RequestsOptions {
  readonly clock: Clock;
  /** Makes the error for a query that could not be answered in time, while `waiting` queries wait. */
  readonly inVain: (waiting: number) => GatewayError;
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
    const { clock, inVain } = this.#options;
    const shared = this.#byOrder.get(orderId)?.promise;
    if (shared !== undefined) return shared;
    if (this.size >= MOST_WAITING) {
      return Promise.resolve({ kind: 'failed', error: inVain(this.size) });
    }
    const { promise, resolve: settle } = Promise.withResolvers<Checked>();
    const giveUp = () => this.settle(orderId, { kind: 'failed', error: inVain(this.size) });
    const timer = clock.after(LONGEST_WAIT_MS, giveUp);
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
}
