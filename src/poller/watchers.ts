import { retryDelayMs } from '../core/cadence.ts';
import { FewByKey } from '../core/few.ts';
import type { Clock, Random } from '../core/ports.ts';

/** How long a watcher waits for an order that the upstream does not know: it may have been sent only a moment ago. */
const MISSING_AFTER_MS = 15_000;
const FIRST_MISSING_RETRY_MS = 1_000;
const LONGEST_MISSING_RETRY_MS = 8_000;

interface Watcher {
  /** By `Clock.steady`. */
  readonly since: number;
  readonly onMissing: () => void;
}

/** A watched order that no call has ever shown, and that the store therefore does not contain. */
interface Unseen {
  /** Unix milliseconds, as those in the schedule. */
  dueAt: number;
  /** A list that should have shown the order did not: only a single check tells whether the order exists. */
  isUnlisted: boolean;
  missing: number;
  failures: number;
}

export interface UnseenDue {
  readonly orderId: string;
  readonly dueAt: number;
  /** Whether the order needs a single check, since a list left it out. */
  readonly isUnlisted: boolean;
  /** How many looks in a row have failed. */
  readonly failures: number;
}

/** The watched orders and their watchers. Kept in memory only: after a restart, the subscribers reconnect. */
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
    const watcher = { since: this.#clock.steady(), onMissing };
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

  /** To be called after the system's clock was set back: makes due what else would wait until it has caught up. */
  clockSetBack(): void {
    const now = this.#clock.now();
    for (const unseen of this.#unseen.values()) unseen.dueAt = Math.min(unseen.dueAt, now);
  }

  /** Unseen orders that are due at `now`. */
  *unseenDue(now: number): Iterable<UnseenDue> {
    for (const [orderId, { dueAt, isUnlisted, failures }] of this.#unseen) {
      if (dueAt <= now) yield { orderId, dueAt, isUnlisted, failures };
    }
  }

  /** To be called if a list that covers the order's creation time does not show it. */
  notListed(orderId: string): void {
    const unseen = this.#unseen.get(orderId);
    if (unseen !== undefined) unseen.isUnlisted = true;
  }

  /** To be called once the order is in the store. */
  seen(orderId: string): void {
    this.#unseen.delete(orderId);
  }

  /** To be called if the upstream knows no such order: plans the next look, and notifies watchers past their wait. */
  missing(orderId: string): void {
    const unseen = this.#unseen.get(orderId);
    if (unseen === undefined) return;
    const now = this.#clock.steady();
    const delayMs = Math.min(
      FIRST_MISSING_RETRY_MS * 2 ** unseen.missing,
      LONGEST_MISSING_RETRY_MS,
    );
    unseen.missing += 1;
    unseen.dueAt = this.#clock.now() + delayMs;
    for (const watcher of this.#byOrder.listOf(orderId)) {
      if (now - watcher.since >= MISSING_AFTER_MS) watcher.onMissing();
    }
  }

  /** To be called if a look failed, which says nothing about the order: plans the next one after a backoff. */
  failed(orderId: string, isOutage: boolean): void {
    const unseen = this.#unseen.get(orderId);
    if (unseen === undefined) return;
    unseen.failures += 1;
    const among = isOutage ? this.#unseen.size : undefined;
    unseen.dueAt = this.#clock.now() + retryDelayMs(unseen.failures, this.#random(), among);
  }

  #remove(orderId: string, watcher: Watcher): void {
    this.#byOrder.delete(orderId, watcher);
    if (!this.has(orderId)) this.#unseen.delete(orderId);
  }
}
