import type { Clock } from '../core/ports.ts';
import type { Order, Schedule } from '../core/store.ts';
import type { Pacer } from './pace.ts';
import type { Requests } from './requests.ts';
import type { Sweep, SweepPlanner } from './sweep-planner.ts';
import type { Watchers } from './watchers.ts';

/** Due orders to choose from at a time. */
const MOST_CHOICES = 200;

/** What the next call is for. */
export type Job =
  | { readonly kind: 'check'; readonly orderId: string }
  | { readonly kind: 'sweep'; readonly sweep: Sweep };

export interface ChoiceOptions {
  readonly schedule: Schedule;
  readonly planner: SweepPlanner;
  readonly requests: Requests;
  readonly watchers: Watchers;
  readonly pacer: Pacer;
  readonly clock: Clock;
  /** Whether a call that has started, or must, will show this order. */
  readonly isBusy: (orderId: string) => boolean;
}

/** An order that is due; `order` is `undefined` for one that no call has shown us yet. */
interface Due {
  readonly orderId: string;
  readonly order: Order | undefined;
  /** The lag that a look is expected to bring to an end: what it counts for beside others on a list. */
  readonly gainMs: number;
  /** What a check of this order alone is worth. */
  readonly worthMs: number;
}

/**
 * Where the next call gains most. Queries and the schedule each have a turn of their own: a call that
 * somebody waits for is never held up by the schedule, nor the schedule by however many queries.
 */
export class Choice {
  readonly #options: ChoiceOptions;

  constructor(options: ChoiceOptions) {
    this.#options = options;
  }

  /** The query that has waited longest, with as many others as one list can answer. */
  async forRequests(): Promise<Job | undefined> {
    const { requests, planner, isBusy } = this.#options;
    for (const { orderId, isUnlisted } of requests) {
      if (isBusy(orderId)) continue;
      const sweep = isUnlisted ? undefined : await planner.forRequests(orderId);
      return sweep === undefined ? { kind: 'check', orderId } : { kind: 'sweep', sweep };
    }
    return undefined;
  }

  /** Of the orders that are due, the one that gains most by being asked now, or a list that gains more. */
  async forSchedule(): Promise<Job | undefined> {
    const due = await this.#neediest();
    if (due === undefined) return undefined;
    const sweep = await this.#options.planner.forSchedule(due);
    return sweep === undefined ? { kind: 'check', orderId: due.orderId } : { kind: 'sweep', sweep };
  }

  /** When the next order is due that is not being asked about already; `busy` of them may be. */
  async nextDueAt(busy: number): Promise<number | undefined> {
    const { schedule, watchers, isBusy } = this.#options;
    const ever = Number.MAX_SAFE_INTEGER;
    const times: number[] = [];
    for (const { latest, dueAt } of await schedule.due({ before: ever, limit: busy + 1 })) {
      if (dueAt !== null && !isBusy(latest.orderId)) times.push(dueAt);
    }
    for (const { orderId, dueAt } of watchers.unseenDue(ever)) {
      if (!isBusy(orderId)) times.push(dueAt);
    }
    return times.length === 0 ? undefined : times.reduce((a, b) => Math.min(a, b));
  }

  async #neediest(): Promise<Due | undefined> {
    let best: Due | undefined;
    for (const due of await this.#due()) {
      if (due.worthMs > (best?.worthMs ?? -1) && !this.#options.isBusy(due.orderId)) best = due;
    }
    return best;
  }

  async #due(): Promise<readonly Due[]> {
    const { schedule, watchers, pacer, clock } = this.#options;
    const now = clock.now();
    const due: Due[] = [];
    for (const order of await schedule.due({ before: now, limit: MOST_CHOICES })) {
      const [gainMs, worthMs] = [pacer.gainMs(order, now), pacer.worthMs(order, now)];
      due.push({ orderId: order.latest.orderId, order, gainMs, worthMs });
    }
    for (const { orderId, dueAt } of watchers.unseenDue(now)) {
      const gainMs = pacer.firstLookGainMs({ orderId, dueAt, now });
      due.push({ orderId, order: undefined, gainMs, worthMs: gainMs });
    }
    return due;
  }
}
