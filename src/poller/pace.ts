import * as z from 'zod';
import { isInProgress, isParked, type Pace } from '../core/cadence.ts';
import { creationTimeOf } from '../core/order-id.ts';
import type { Clock } from '../core/ports.ts';
import { SettlingTimes } from '../core/settling.ts';
import type { Notebook, Order, Recorded } from '../core/store.ts';
import { isSettled } from '../core/topup.ts';
import { Worth } from '../core/worth.ts';
import { parseNote } from './parse-note.ts';
import type { Watchers } from './watchers.ts';

/** Another name than that of earlier versions, which counted ages in other bins. */
const NOTE = 'settling-ages';
const NOTE_EVERY_MS = 10_000;

/** The upstream knows a handful of types; beyond so many, new ones share what is known of all. */
const MOST_TYPES = 20;

/** Expected lag, in milliseconds, that makes a check worth a call while calls are left over. */
const PRICE_MS = 2;
const LONGEST_DELAY_MS = 60_000;

/** Time for which an order has been due counts this part of lag: whatever it gains else, its turn comes. */
const WAITING_PART = 0.003;

/** Somebody waits for the first look at an order, and learns nothing until then. */
const FIRST_LOOK_GAIN_MS = 50;
/** A second without a first look weighs as much as this part of a second of lag. */
const FIRST_LOOK_PART = 0.02;

/**
 * Pages of a busy key hardly differ in the lag that they end: a full one that has just been seen ends as much as one
 * of few orders that wait since long, and would be asked for again and again. So the time for which nobody has seen
 * an order counts as well, and by its fourth power, which makes all pages take turns. Not beyond so long, nor beyond
 * so many times the lag that a look ends: one that hardly ever settles would count for more and more.
 */
const LONGEST_UNSEEN_MS = 30_000;
const MOST_LAGS = 6;

/** Taking turns, pages make up for waiting by themselves. */
const WAITING_PAGE_PART = WAITING_PART / 10;
/** Pages of parked orders may come rarely on a busy key: who waits for hours does not mind some minutes. */
const PARKED_PAGE_PART = 1 / 12;

/** What a look gains counts for more where somebody watches. */
const WATCHED_WEIGHT = 2;

/** What a check is worth is computed anew once so much more was learned: this part, and a few orders at the least. */
const NEWS_PART = 0.05;
const FEWEST_NEWS = 10;
const MOST_NEEDED = 2_000;

const countsSchema = z.array(z.number().nonnegative());
const noteSchema = z.record(z.string(), z.object({ settled: countsSchema, reached: countsSchema }));

/** An order that no call has shown us yet, and that is due for its first look since `dueAt`. */
export interface Unseen {
  readonly orderId: string;
  readonly dueAt: number;
  readonly now: number;
}

/** What is known of one type. */
interface Learned {
  readonly times: SettlingTimes;
  worth: Worth;
  /** Orders noted in all, and when `worth` was computed. */
  noted: number;
  worthOf: number;
}

/**
 * Where the next call buys the most, from how long orders of a type took. While calls are left over, an
 * order is asked again once that is worth a few milliseconds; when they are not, whoever gains most.
 */
export class Pacer {
  readonly #clock: Clock;
  readonly #notebook: Notebook;
  readonly #watchers: Watchers;
  readonly #byType = new Map<string, Learned>();
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
    const counts = parseNote(await this.#notebook.recall(NOTE), noteSchema);
    for (const [type, { settled, reached }] of Object.entries(counts ?? {})) {
      this.#byType.set(type, learnedFrom(new SettlingTimes(settled, reached)));
    }
  }

  readonly pace: Pace = (order, leastMs) =>
    this.#learnedOf(order.latest.type).times.delayMs({
      ageMs: order.checkedAt - order.statusSince,
      priceMs: PRICE_MS,
      leastMs,
      mostMs: Math.max(leastMs, LONGEST_DELAY_MS),
    });

  /**
   * The lag that a look at this order is expected to bring to an end at `now`, in milliseconds; lag that
   * somebody watches counts double. What a list gains is the sum of it.
   */
  gainMs(order: Order, now: number): number {
    return this.#weighted(order, now, this.#lagMs(order, now));
  }

  /** What a check of this order alone is worth at `now`: of several that are due, the highest comes first. */
  worthMs(order: Order, now: number): number {
    if (isParked(order)) return this.gainMs(order, now);
    const { worth } = this.#learnedOf(order.latest.type);
    const checkedMs = order.checkedAt - order.statusSince;
    const priceMs = worth.priceMs({ checkedMs, ageMs: now - order.statusSince });
    return this.#weighted(order, now, Math.max(priceMs, this.#lagMs(order, now)));
  }

  /** What this order adds at `now` to what a page is worth that shows it: of several pages, the highest comes first. */
  pageWorth(order: Order, now: number): number {
    const waitedMs = waitedMsOf(order, now);
    if (isParked(order)) {
      const gainMs = waitedMs * WAITING_PART;
      return this.#weightOf(order) * onPage(gainMs, gainMs * PARKED_PAGE_PART);
    }
    const lagMs = this.#lagMs(order, now) + waitedMs * WAITING_PAGE_PART;
    return this.#weightOf(order) * onPage(lagMs, now - order.checkedAt);
  }

  /** The lag itself; of a parked order nobody knows any. */
  #lagMs(order: Order, now: number): number {
    if (isParked(order)) return 0;
    return this.#learnedOf(order.latest.type).times.expectedLagMs({
      ageMs: order.checkedAt - order.statusSince,
      delayMs: now - order.checkedAt,
    });
  }

  #weighted(order: Order, now: number, valueMs: number): number {
    return this.#weightOf(order) * (valueMs + waitedMsOf(order, now) * WAITING_PART);
  }

  #weightOf(order: Order): number {
    return this.#watchers.has(order.latest.orderId) ? WATCHED_WEIGHT : 1;
  }

  /** The same as `gainMs` for an order that no call has shown us yet: it may have settled since it was sent. */
  firstLookGainMs(unseen: Unseen): number {
    const delayMs = unseenForMs(unseen);
    const lagMs = this.#learnedOf(null).times.expectedLagMs({ ageMs: 0, delayMs });
    return WATCHED_WEIGHT * (lagMs + firstLookMs(unseen));
  }

  /** The same as `pageWorth`. */
  firstLookPageWorth(unseen: Unseen): number {
    return onPage(this.firstLookGainMs(unseen), unseenForMs(unseen));
  }

  /** An order went on, or did not: how long its type takes is known better. */
  learn({ before, order }: Recorded): void {
    const { latest, statusSince } = order;
    const notedMs = before === undefined ? undefined : before.checkedAt - before.statusSince;
    if (before !== undefined && !isInProgress(before)) return;
    if (isInProgress(order)) {
      this.#learnable(latest.type).times.inProgress(order.checkedAt - statusSince, notedMs);
    } else if (before !== undefined && isSettled(latest.upstreamStatus)) {
      const settledAt = latest.processedAt ?? latest.observedAt;
      const learned = this.#learnable(latest.type);
      learned.times.add(settledAt - before.statusSince, notedMs);
      learned.noted += 1;
      this.#keep();
    }
  }

  #keep(): void {
    const now = this.#clock.now();
    if (now - this.#notedAt < NOTE_EVERY_MS) return;
    this.#notedAt = now;
    const counts = [...this.#byType].map(([type, { times }]) => [type, times.counted]);
    // What is lost here is learned again.
    this.#notebook.note(NOTE, JSON.stringify(Object.fromEntries(counts))).catch(() => undefined);
  }

  #learnedOf(type: string | null): Learned {
    const learned = this.#byType.get(type ?? '');
    if (learned === undefined) return nothingLearned();
    const news = learned.noted - learned.worthOf;
    if (news > FEWEST_NEWS + Math.min(learned.worthOf, MOST_NEEDED) * NEWS_PART) {
      learned.worth = new Worth(learned.times);
      learned.worthOf = learned.noted;
    }
    return learned;
  }

  #learnable(type: string | null): Learned {
    const known = this.#byType.get(type ?? '');
    if (known !== undefined) return known;
    const name = this.#byType.size < MOST_TYPES ? (type ?? '') : '';
    // Until more is known, what a check is worth is what it is worth of any.
    const learned = this.#byType.get(name) ?? { ...nothingLearned(), times: new SettlingTimes() };
    this.#byType.set(name, learned);
    return learned;
  }
}

function waitedMsOf({ dueAt }: Order, now: number): number {
  return Math.max(0, now - (dueAt ?? now));
}

function onPage(lagMs: number, unseenMs: number): number {
  const countedMs = Math.min(unseenMs, LONGEST_UNSEEN_MS, MOST_LAGS * lagMs);
  return (lagMs * countedMs ** 2) ** 2;
}

function unseenForMs({ orderId, dueAt, now }: Unseen): number {
  return Math.min(LONGEST_DELAY_MS, Math.max(now - dueAt, now - (creationTimeOf(orderId) ?? now)));
}

/** What a first look is worth beside the lag that it may end. */
function firstLookMs({ dueAt, now }: Unseen): number {
  return FIRST_LOOK_GAIN_MS + Math.max(0, now - dueAt) * FIRST_LOOK_PART;
}

/** Made once, since it takes some milliseconds: what is not known is the same wherever. */
let ofNothing: Learned | undefined;

function nothingLearned(): Learned {
  ofNothing ??= learnedFrom(new SettlingTimes());
  return ofNothing;
}

function learnedFrom(times: SettlingTimes): Learned {
  return {
    times,
    worth: new Worth(times),
    noted: 0,
    worthOf: 0,
  };
}
