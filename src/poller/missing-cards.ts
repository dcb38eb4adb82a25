import { LRUCache } from 'lru-cache';
import { retryDelayMs } from '../core/cadence.ts';
import type { Clock, Random } from '../core/ports.ts';

/** Of orders beyond this number whose check failed, the oldest failures are forgotten. */
const MOST_FAILED = 1_000;

interface Failed {
  readonly failures: number;
  /** By `Clock.steady`. */
  readonly retryAt: number;
}

const NOT_FAILED: Failed = { failures: 0, retryAt: 0 };

/**
 * Orders that a list showed as settled, but without their card or refund reason, or where lists are not known to show
 * these as they are. The check that each of them needs comes ahead of all that is due, the first one first. One that
 * fails is tried again later each time: every list shows the order once more, and would else have it checked at once,
 * again and again.
 */
export class MissingCards {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #waiting = new Set<string>();
  readonly #failed = new LRUCache<string, Failed>({ max: MOST_FAILED });

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** The order to check next, if any. */
  get first(): string | undefined {
    const [first] = this.#waiting;
    return first;
  }

  has(orderId: string): boolean {
    return this.#waiting.has(orderId);
  }

  /**
   * Whether the order waits after a failed check, as it does for good after two: the upstream may fail at it for ever,
   * and lists that show no card be of no use to it. A page for its sake would stay the best one.
   */
  isPutOff(orderId: string): boolean {
    const { failures, retryAt } = this.#failed.get(orderId) ?? NOT_FAILED;
    return failures > 1 || retryAt > this.#clock.steady();
  }

  /** To be called with each order that a list shows so. `false` if its check has just failed, and has to wait. */
  add(orderId: string): boolean {
    const { retryAt } = this.#failed.get(orderId) ?? NOT_FAILED;
    if (retryAt > this.#clock.steady()) return false;
    this.#waiting.add(orderId);
    return true;
  }

  /** Whether the order was waiting for its check, which starts now. */
  take(orderId: string): boolean {
    return this.#waiting.delete(orderId);
  }

  fetched(orderId: string): void {
    this.#failed.delete(orderId);
  }

  failed(orderId: string): void {
    const failures = (this.#failed.get(orderId)?.failures ?? 0) + 1;
    const retryAt = this.#clock.steady() + retryDelayMs(failures, this.#random());
    this.#failed.set(orderId, { failures, retryAt });
  }
}
