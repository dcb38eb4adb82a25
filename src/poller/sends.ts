import { LRUCache } from 'lru-cache';
import { MINUTE_MS } from '../core/durations.ts';
import type { Clock } from '../core/ports.ts';
import type { Schedule } from '../core/store.ts';
import type { Observation } from '../core/topup.ts';
import { type Answer, maySend } from '../upstream/answer.ts';

/** Left in a minute without sends: room for the first one, and for another beside it. */
const FEWEST_LEFT = 2;
/** By how many standard deviations the next minute may have more sends than the last one. */
const DEVIATIONS = 2;

/** Our clock may be ahead of the upstream's by as much as this. */
const MOST_AHEAD_MS = 10 * MINUTE_MS;

/** More than any key can send within a minute. Of even more orders, some may be counted twice. */
const MOST_COUNTED = 1_000;

interface SendsOptions {
  /** Whether others may send orders with the gateway's key. */
  readonly mayShareKey: boolean;
  readonly clock: Clock;
}

/**
 * Counts the orders of the last minute. If others send orders with the gateway's key, each send takes one of its calls.
 * A send that gets a 429 is a sale that waits, which matters more than any look at an order. So calls are left for as
 * many sends as the last minute had, for the usual variation, and for the first one after a quiet time.
 */
export class Sends {
  readonly #clock: Clock;
  #mayShareKey: boolean;
  /** When the orders of the last minute were first seen, by `Clock.steady`, the earliest first. */
  readonly #seenAt: number[] = [];
  readonly #counted = new LRUCache<string, true>({ max: MOST_COUNTED });
  /** The latest creation times that were seen, and that an earlier process saw. By the upstream's clock. */
  #newest = Number.NEGATIVE_INFINITY;
  #recalled = Number.NEGATIVE_INFINITY;

  constructor({ mayShareKey, clock }: SendsOptions) {
    this.#mayShareKey = mayShareKey;
    this.#clock = clock;
  }

  /** How many calls of a minute to leave to those who send orders. */
  get reserved(): number {
    if (!this.#mayShareKey) return 0;
    const since = this.#clock.steady() - MINUTE_MS;
    while ((this.#seenAt[0] ?? Number.POSITIVE_INFINITY) <= since) this.#seenAt.shift();
    const sent = this.#seenAt.length;
    return Math.ceil(sent + DEVIATIONS * Math.sqrt(sent)) + FEWEST_LEFT;
  }

  /** Counts what an earlier process saw. Rejects if the store fails. */
  async recall(log: Pick<Schedule, 'creationTimes'>): Promise<void> {
    if (!this.#mayShareKey) return;
    const now = this.#clock.now();
    const recent = await log.creationTimes({ from: now - MINUTE_MS, to: now });
    for (const createdAt of recent) {
      this.#seenAt.push(this.#clock.steady() - (now - createdAt));
      this.#recalled = this.#newest = createdAt;
    }
  }

  /** To be called with each answer: it may show new orders, or tell what the key is for. */
  answered(answer: Answer): void {
    if (answer.kind === 'validated' && !maySend(answer.key)) this.#mayShareKey = false;
    if (!this.#mayShareKey) return;
    const shown = observationsIn(answer);
    for (const { createdAt } of shown) this.#newest = Math.max(this.#newest, createdAt ?? 0);
    for (const { orderId, createdAt } of shown) this.#count(orderId, createdAt ?? 0);
  }

  /** Tells new orders by comparing them with each other first: our clock may differ from that of the upstream. */
  #count(orderId: string, createdAt: number): void {
    if (createdAt <= this.#recalled || createdAt <= this.#newest - MINUTE_MS) return;
    if (createdAt <= this.#clock.now() - MOST_AHEAD_MS || this.#counted.has(orderId)) return;
    this.#counted.set(orderId, true);
    this.#seenAt.push(this.#clock.steady());
  }
}

function observationsIn(answer: Answer): readonly Observation[] {
  if (answer.kind === 'observed') return [answer.observation];
  return answer.kind === 'listed' ? answer.observations : [];
}
