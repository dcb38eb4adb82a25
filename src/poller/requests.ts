import type { Clock, Timer } from '../core/ports.ts';
import type { GatewayError } from '../errors.ts';
import type { Checked } from './checker.ts';

/** Somebody who waits for an answer is told after this long that the calls are spent. */
const LONGEST_WAIT_MS = 5_000;

/** More than that have no chance within the longest wait, not even by lists. */
const MOST_WAITING = 1_000;

interface Request {
  readonly promise: Promise<Checked>;
  readonly settle: (checked: Checked) => void;
  readonly timer: Timer;
  /** A list that should have shown the order did not: only a single check tells whether there is one. */
  isUnlisted: boolean;
}

export interface RequestsOptions {
  readonly clock: Clock;
  /** Why nobody was answered in time, with so many waiting. */
  readonly inVain: (waiting: number) => GatewayError;
}

/** Queries that wait for a look at an order, in the order in which they came. One entry for one order. */
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

  /** Waits for the next look at an order; after five seconds, or with too many waiting, in vain. */
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

  /** Takes the request out, for a call that will answer it. */
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
