import * as z from 'zod';
import { isInProgress, isParked, type Pace } from '../core/cadence.ts';
import { creationTimeOf } from '../core/order-id.ts';
import type { Clock } from '../core/ports.ts';
import { SettlingTimes } from '../core/settling.ts';
import type { Notebook, Order, Recorded, Window } from '../core/store.ts';
import { isSettled, type Snapshot } from '../core/topup.ts';
import { Worth } from '../core/worth.ts';
import { parseNote } from './parse-note.ts';
import type { UnseenDue, Watchers } from './watchers.ts';

/** The note of what was learned. Not the name that earlier versions used: their counts are by other age bins. */
export const SETTLING_NOTE = 'settling-ages';
const NOTE_EVERY_MS = 10_000;

/** The upstream knows a handful of types. Beyond this number, all new types share one entry. */
const MOST_TYPES = 20;

/** The expected lag, in milliseconds, at which a check is worth a call while calls are left over. */
const PRICE_MS = 2;
const LONGEST_DELAY_MS = 60_000;

/** Nothing is learned from two observations of an order that are further apart: twice the longest interval. */
const LONGEST_GAP_MS = 3_600_000;

/** The time for which an order has been due counts as this share of lag, so that each order's turn comes. */
const WAITING_PART = 0.003;

/** The gain of a first look, in milliseconds of lag: until then, the watcher of an order learns nothing at all. */
const FIRST_LOOK_GAIN_MS = 50;
/** A second of waiting for the first look counts as this share of a second of lag. */
const FIRST_LOOK_PART = 0.02;

/**
 * On a busy key, pages hardly differ in the lag that they end: a full page seen a moment ago ends as much as a page of
 * few orders that have not been seen for long, and would be chosen again and again. So the time since an order was last
 * seen counts as well, by its fourth power, which makes all pages take turns. That time is capped, at
 * `LONGEST_UNSEEN_MS` and at `MOST_LAGS` times the lag that a look ends: otherwise an order that is unlikely to settle
 * would count for more and more.
 */
const LONGEST_UNSEEN_MS = 30_000;
const MOST_LAGS = 6;

/** `WAITING_PART` for pages: smaller, since pages take turns anyway. */
const WAITING_PAGE_PART = WAITING_PART / 10;
/** For a parked order, this share of its gain counts as unseen time, so that a busy key spends few pages on them. */
const PARKED_PAGE_PART = 1 / 12;

/** The factor by which the gain of a look counts more for a watched order. */
const WATCHED_WEIGHT = 2;

/**
 * The worth of checks is recomputed once more than `FEWEST_NEWS` + `NEWS_PART` · n further orders have settled, where n
 * is the number at the last computation, at most `MOST_NEEDED`.
 */
const NEWS_PART = 0.05;
const FEWEST_NEWS = 10;
const MOST_NEEDED = 2_000;

const countsSchema = z.array(z.number().nonnegative());
const noteSchema = z.record(z.string(), z.object({ settled: countsSchema, reached: countsSchema }));

/** What has been learned about one type. */
interface Learned {
  readonly times: SettlingTimes;
  worth: Worth;
  /** How many orders of the type have settled since the process started. */
  noted: number;
  /** The value of `noted` when `worth` was computed. */
  worthOf: number;
}

/**
 * Computes what a look at an order is worth, from how long orders of its type took to settle. While calls are left
 * over, an order is checked again once the expected lag is `PRICE_MS`; otherwise the order that gains most goes first.
 */
export class Pacer {
  readonly #clock: Clock;
  readonly #notebook: Notebook;
  readonly #watchers: Watchers;
  readonly #byType = new Map<string, Learned>();
  #notedAt = 0;

  constructor(options: {
    readonly clock: Clock;
    readonly notebook: Notebook;
    readonly watchers: Watchers;
  }) {
    this.#clock = options.clock;
    this.#notebook = options.notebook;
    this.#watchers = options.watchers;
  }

  /** Loads what an earlier process learned. */
  async recall(): Promise<void> {
    const counts = parseNote(await this.#notebook.recall(SETTLING_NOTE), noteSchema);
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
   * The lag that a look at this order at `now` is expected to end, in milliseconds, plus a share of the time for which
   * the order has been due; doubled for a watched order. The gain of a list is the sum over its orders.
   */
  gainMs(order: Order, now: number): number {
    return this.#weighted(order, now, this.#lagMs(order, now));
  }

  /** What a check of this order alone is worth at `now`. Of several due orders, the one worth most is checked first. */
  worthMs(order: Order, now: number): number {
    if (isParked(order)) return this.gainMs(order, now);
    const { worth } = this.#learnedOf(order.latest.type);
    const checkedMs = order.checkedAt - order.statusSince;
    const priceMs = worth.priceMs({ checkedMs, ageMs: now - order.statusSince });
    return this.#weighted(order, now, Math.max(priceMs, this.#lagMs(order, now)));
  }

  /** What this order adds at `now` to the worth of a page that shows it. The page worth most comes first. */
  pageWorth(order: Order, now: number): number {
    const waitedMs = waitedMsOf(order, now);
    if (isParked(order)) {
      const gainMs = waitedMs * WAITING_PART * chanceOfAnswer(order);
      return this.#weightOf(order) * onPage(gainMs, gainMs * PARKED_PAGE_PART);
    }
    const lagMs = this.#lagMs(order, now) + waitedMs * WAITING_PAGE_PART;
    return this.#weightOf(order) * onPage(lagMs * chanceOfAnswer(order), now - order.checkedAt);
  }

  /** How likely it is that an order in progress has settled between two moments; 0 for any other order. */
  chanceOfEnd(order: Order, { from, to }: Window): number {
    if (!isInProgress(order)) return 0;
    const { times } = this.#learnedOf(order.latest.type);
    const since = Math.max(from, order.statusSince);
    return 1 - times.unsettled({ ageMs: since - order.statusSince, delayMs: to - since });
  }

  /** The expected lag alone; 0 for a parked order, since nothing is learned about when those settle. */
  #lagMs(order: Order, now: number): number {
    if (isParked(order)) return 0;
    return this.#learnedOf(order.latest.type).times.expectedLagMs({
      ageMs: order.checkedAt - order.statusSince,
      delayMs: now - order.checkedAt,
    });
  }

  #weighted(order: Order, now: number, valueMs: number): number {
    const worthMs = valueMs + waitedMsOf(order, now) * WAITING_PART;
    return this.#weightOf(order) * worthMs * chanceOfAnswer(order);
  }

  #weightOf(order: Order): number {
    return this.#watchers.has(order.latest.orderId) ? WATCHED_WEIGHT : 1;
  }

  /** `gainMs` for an order that no call has shown yet: the order may have settled since it was sent. */
  firstLookGainMs(unseen: UnseenDue, now: number): number {
    const delayMs = unseenForMs(unseen, now);
    const lagMs = this.#learnedOf(null).times.expectedLagMs({ ageMs: 0, delayMs });
    return WATCHED_WEIGHT * (lagMs + firstLookMs(unseen, now)) * chanceOfAnswer(unseen);
  }

  /** `pageWorth` for an order that no call has shown yet. */
  firstLookPageWorth(unseen: UnseenDue, now: number): number {
    return onPage(this.firstLookGainMs(unseen, now), unseenForMs(unseen, now));
  }

  /** Learns from a recorded observation how long orders of its type are in progress. */
  learn({ before, order }: Recorded): void {
    const { latest, statusSince } = order;
    // The order settled at an unknown moment while the gateway was away, or the system's clock was set forward.
    if (before !== undefined && order.checkedAt - before.checkedAt > LONGEST_GAP_MS) return;
    const notedMs = before === undefined ? undefined : before.checkedAt - before.statusSince;
    if (before !== undefined && !isInProgress(before)) return;
    if (isInProgress(order)) {
      this.#learnable(latest.type).times.inProgress(order.checkedAt - statusSince, notedMs);
    } else if (before !== undefined && isSettled(latest.upstreamStatus)) {
      const learned = this.#learnable(latest.type);
      learned.times.add(settledAt(before, latest) - before.statusSince, notedMs);
      learned.noted += 1;
      this.#keep();
    }
  }

  #keep(): void {
    const now = this.#clock.steady();
    if (now - this.#notedAt < NOTE_EVERY_MS) return;
    this.#notedAt = now;
    const counts = [...this.#byType].map(([type, { times }]) => [type, times.counted]);
    // If the write fails, the next process learns these counts again.
    this.#notebook
      .note(SETTLING_NOTE, JSON.stringify(Object.fromEntries(counts)))
      .catch(() => undefined);
  }

  #learnedOf(type: string | null): Learned {
    const learned = this.#byType.get(this.#entryOf(type));
    if (learned === undefined) return nothingLearned();
    const news = learned.noted - learned.worthOf;
    if (news > FEWEST_NEWS + Math.min(learned.worthOf, MOST_NEEDED) * NEWS_PART) {
      learned.worth = new Worth(learned.times);
      learned.worthOf = learned.noted;
    }
    return learned;
  }

  /** Beyond `MOST_TYPES`, new types share the entry of orders that tell no type. */
  #entryOf(type: string | null): string {
    const name = type ?? '';
    return this.#byType.has(name) || this.#byType.size < MOST_TYPES ? name : '';
  }

  #learnable(type: string | null): Learned {
    const name = this.#entryOf(type);
    // Until enough is learned about this type, its checks are worth what the prior says.
    const learned = this.#byType.get(name) ?? { ...nothingLearned(), times: new SettlingTimes() };
    this.#byType.set(name, learned);
    return learned;
  }
}

/**
 * When an order settled, by our clock, as its other ages are: after the look that found it in progress, and before the
 * one that found it settled. In between the upstream's own time tells, which may be of another clock or of another
 * step.
 */
function settledAt(before: Order, { processedAt, observedAt }: Snapshot): number {
  return Math.min(Math.max(processedAt ?? observedAt, before.checkedAt), observedAt);
}

/** The upstream may fail at some orders for ever: a look counts for half as much after each failure in a row. */
function chanceOfAnswer({ failures }: { readonly failures: number }): number {
  return 2 ** -failures;
}

function waitedMsOf({ dueAt }: Order, now: number): number {
  return Math.max(0, now - (dueAt ?? now));
}

function onPage(lagMs: number, unseenMs: number): number {
  const countedMs = Math.min(unseenMs, LONGEST_UNSEEN_MS, MOST_LAGS * lagMs);
  return (lagMs * countedMs ** 2) ** 2;
}

function unseenForMs({ orderId, dueAt }: UnseenDue, now: number): number {
  return Math.min(LONGEST_DELAY_MS, Math.max(now - dueAt, now - (creationTimeOf(orderId) ?? now)));
}

/** What a first look is worth besides the lag that it may end, in milliseconds of lag. */
function firstLookMs({ dueAt }: UnseenDue, now: number): number {
  return FIRST_LOOK_GAIN_MS + Math.max(0, now - dueAt) * FIRST_LOOK_PART;
}

/** What is known of a type without observations: the prior alone. Computed once, since that takes some milliseconds. */
let ofNothing: Learned | undefined;

function nothingLearned(): Learned {
  ofNothing ??= learnedFrom(new SettlingTimes());
  return ofNothing;
}

function learnedFrom(times: SettlingTimes): Learned {
  return { times, worth: new Worth(times), noted: 0, worthOf: 0 };
}
