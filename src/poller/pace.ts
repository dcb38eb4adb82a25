import { z } from 'zod';
import { isInProgress, isParked, type Pace } from '../core/cadence.ts';
import { creationTimeOf } from '../core/order-id.ts';
import type { Clock } from '../core/ports.ts';
import { SettlingTimes } from '../core/settling.ts';
import type { Notebook, Order, Recorded } from '../core/store.ts';
import { isSettled } from '../core/topup.ts';
import type { Watchers } from './watchers.ts';

const NOTE = 'settling-times';
const NOTE_EVERY_MS = 10_000;

/** The upstream knows a handful of types; beyond so many, new ones share what is known of all. */
const MOST_TYPES = 20;

/** Expected lag, in milliseconds, that makes a check worth a call while calls are left over. */
const PRICE_MS = 5;
const LONGEST_DELAY_MS = 60_000;

/** Time for which an order has been due counts this part of lag: whatever it gains else, its turn comes. */
const WAITING_PART = 0.003;

/** Somebody waits for the first look at an order, and learns nothing until then. */
const FIRST_LOOK_GAIN_MS = 50;
/** A second without a first look weighs as much as this part of a second of lag. */
const FIRST_LOOK_PART = 0.02;

/** What a look gains counts for more where somebody watches. */
const WATCHED_WEIGHT = 2;

const noteSchema = z.record(z.string(), z.array(z.number().nonnegative()));

/**
 * Where the next call buys the most, from how long orders of a type took. While calls are left over, an
 * order is asked again once that is worth a few milliseconds; when they are not, whoever gains most.
 */
export class Pacer {
  readonly #clock: Clock;
  readonly #notebook: Notebook;
  readonly #watchers: Watchers;
  readonly #byType = new Map<string, SettlingTimes>();
  #notedAt = 0;

  constructor(options: {
    readonly clock: Clock;
    readonly store: Notebook;
    readonly watchers: Watchers;
  }) {
    this.#clock = options.clock;
    this.#notebook = options.store;
    this.#watchers = options.watchers;
  }

  /** Takes up what an earlier process learned. */
  async recall(): Promise<void> {
    const note = await this.#notebook.recall(NOTE);
    const counts = note === undefined ? undefined : noteSchema.safeParse(JSON.parse(note)).data;
    for (const [type, counted] of Object.entries(counts ?? {})) {
      this.#byType.set(type, new SettlingTimes(counted));
    }
  }

  readonly pace: Pace = (order, leastMs) =>
    this.#timesOf(order.latest.type).delayMs({
      ageMs: order.checkedAt - order.statusSince,
      priceMs: PRICE_MS,
      leastMs,
      mostMs: Math.max(leastMs, LONGEST_DELAY_MS),
    });

  /**
   * The lag that a look at this order is expected to bring to an end at `now`, in milliseconds; lag that
   * somebody watches counts double.
   */
  gainMs(order: Order, now: number): number {
    const weight = this.#watchers.has(order.latest.orderId) ? WATCHED_WEIGHT : 1;
    return weight * this.#lagMs(order, now);
  }

  #lagMs(order: Order, now: number): number {
    const waitedMs = Math.max(0, now - (order.dueAt ?? now));
    const lagMs = isParked(order)
      ? 0
      : this.#timesOf(order.latest.type).expectedLagMs({
          ageMs: order.checkedAt - order.statusSince,
          delayMs: now - order.checkedAt,
        });
    return lagMs + waitedMs * WAITING_PART;
  }

  /** The same for an order that no call has shown us yet: it may have settled since it was sent. */
  firstLookGainMs(unseen: {
    readonly orderId: string;
    readonly dueAt: number;
    readonly now: number;
  }): number {
    const { orderId, dueAt, now } = unseen;
    const waitedMs = Math.max(0, now - dueAt);
    const ageMs = Math.min(
      LONGEST_DELAY_MS,
      Math.max(waitedMs, now - (creationTimeOf(orderId) ?? now)),
    );
    const lagMs = this.#timesOf(null).expectedLagMs({ ageMs: 0, delayMs: ageMs });
    return WATCHED_WEIGHT * (lagMs + FIRST_LOOK_GAIN_MS + waitedMs * FIRST_LOOK_PART);
  }

  /** An order went on: where it settled, its type is known better. */
  learn({ before, order }: Recorded): void {
    const { latest } = order;
    if (before === undefined || !isInProgress(before) || !isSettled(latest.upstreamStatus)) return;
    const settledAt = latest.processedAt ?? latest.observedAt;
    this.#learnable(latest.type).add(settledAt - before.statusSince);
    const now = this.#clock.now();
    if (now - this.#notedAt < NOTE_EVERY_MS) return;
    this.#notedAt = now;
    const counts = [...this.#byType].map(([type, times]) => [type, times.counts]);
    // What is lost here is learned again.
    this.#notebook.note(NOTE, JSON.stringify(Object.fromEntries(counts))).catch(() => undefined);
  }

  #timesOf(type: string | null): SettlingTimes {
    return this.#byType.get(type ?? '') ?? NOTHING_SEEN;
  }

  #learnable(type: string | null): SettlingTimes {
    const known = this.#byType.get(type ?? '');
    if (known !== undefined) return known;
    const name = this.#byType.size < MOST_TYPES ? (type ?? '') : '';
    const times = this.#byType.get(name) ?? new SettlingTimes();
    this.#byType.set(name, times);
    return times;
  }
}

const NOTHING_SEEN = new SettlingTimes();
