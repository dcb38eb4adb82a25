import { retryDelayMs } from '../core/cadence.ts';
import { FewByKey } from '../core/few.ts';
import type { Clock, Random } from '../core/ports.ts';

/** An order that the upstream does not know yet may have been sent a moment ago: so long we keep trying. */
const MISSING_AFTER_MS = 15_000;
const FIRST_MISSING_RETRY_MS = 1_000;
const LONGEST_MISSING_RETRY_MS = 8_000;

interface Watcher {
  readonly since: number;
  readonly onMissing: () => void;
}

/** An order that somebody watches and that no call has ever shown us. It has no place in the store. */
interface Unseen {
  dueAt: number;
  /** A list that should have shown it did not: only a single check tells whether there is such an order. */
  isUnlisted: boolean;
  missing: number;
  failures: number;
}

export interface UnseenDue {
  readonly orderId: string;
  readonly dueAt: number;
  /** Whether it must be asked for by itself. */
  readonly isUnlisted: boolean;
}

/** Who watches which order. In memory alone: after a restart the watchers come back by themselves. */
export class Watchers {
  readonly #byOrder = new FewByKey<Watcher>();
  readonly #unseen = new Map<string, Unseen>();
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(options: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = options.clock;
    this.#random = options.random;
  }

  /** Returns a function that ends the watch. */
  add(orderId: string, onMissing: () => void): () => void {
    const watcher = { since: this.#clock.now(), onMissing };
    this.#byOrder.add(orderId, watcher);
    return () => this.#remove(orderId, watcher);
  }

  has(orderId: string): boolean {
    return this.#byOrder.has(orderId);
  }

  /** Asks for a first look at an order that the store has never seen. */
  expect(orderId: string): void {
    if (!this.has(orderId) || this.#unseen.has(orderId)) return;
    this.#unseen.set(orderId, {
      dueAt: this.#clock.now(),
      isUnlisted: false,
      missing: 0,
      failures: 0,
    });
  }

  /** Unseen orders that are due at `now`. */
  *unseenDue(now: number): Iterable<UnseenDue> {
    for (const [orderId, { dueAt, isUnlisted }] of this.#unseen) {
      if (dueAt <= now) yield { orderId, dueAt, isUnlisted };
    }
  }

  /** A list that covers its creation time does not show the order. */
  notListed(orderId: string): void {
    const unseen = this.#unseen.get(orderId);
    if (unseen !== undefined) unseen.isUnlisted = true;
  }

  /** The order is in the store from now on. */
  seen(orderId: string): void {
    this.#unseen.delete(orderId);
  }

  /** The upstream knows no such order: tells those who have waited long enough, and looks again for the rest. */
  missing(orderId: string): void {
    const unseen = this.#unseen.get(orderId);
    if (unseen === undefined) return;
    const now = this.#clock.now();
    const delayMs = Math.min(
      FIRST_MISSING_RETRY_MS * 2 ** unseen.missing,
      LONGEST_MISSING_RETRY_MS,
    );
    unseen.missing += 1;
    unseen.dueAt = now + delayMs;
    for (const watcher of this.#byOrder.listOf(orderId)) {
      if (now - watcher.since >= MISSING_AFTER_MS) watcher.onMissing();
    }
  }

  /** The look failed, which says nothing of the order. */
  failed(orderId: string): void {
    const unseen = this.#unseen.get(orderId);
    if (unseen === undefined) return;
    unseen.failures += 1;
    unseen.dueAt = this.#clock.now() + retryDelayMs(unseen.failures, this.#random());
  }

  #remove(orderId: string, watcher: Watcher): void {
    this.#byOrder.delete(orderId, watcher);
    if (!this.has(orderId)) this.#unseen.delete(orderId);
  }
}
