import { LRUCache } from 'lru-cache';
import { isParked } from '../core/cadence.ts';
import type { Clock, Random } from '../core/ports.ts';
import type { Order, Schedule } from '../core/store.ts';
import type { Covered } from './best-page.ts';
import { type Due, LeftOut } from './left-out.ts';
import type { ListTrust } from './list-trust.ts';
import type { MissingCards } from './missing-cards.ts';
import type { Pacer } from './pace.ts';
import type { Requests } from './requests.ts';
import type { Sweep, SweepPlanner } from './sweep-planner.ts';
import type { Watchers } from './watchers.ts';

/** How many due orders to choose from, besides busy ones: so many parked ones, others, and young ones. */
const MOST_CHOICES = 200;

/** Nearly all orders settle before this age. */
const YOUNG_MS = 60_000;

/** A check tells little of lists if its order is less likely to have ended than this. */
const LEAST_CHANCE = 0.1;
const MOST_CONFIRMING = 1_000;

/** What the next call is for. */
export type Job =
  | { readonly kind: 'check'; readonly orderId: string }
  | { readonly kind: 'sweep'; readonly sweep: Sweep };

interface ChoiceOptions {
  readonly schedule: Pick<Schedule, 'due' | 'createdWithin'>;
  readonly sweepPlanner: SweepPlanner;
  readonly trust: ListTrust;
  readonly requests: Requests;
  readonly missingCards: MissingCards;
  readonly watchers: Watchers;
  readonly pacer: Pacer;
  readonly clock: Clock;
  readonly random: Random;
  /** Whether a call in flight, or one that is already bound to start, will show this order. */
  readonly isBusy: (orderId: string) => boolean;
  /** At least the number of busy orders. */
  readonly mostBusy: () => number;
  /** Whether the next call is to try if the upstream answers at all. */
  readonly isProbe: () => boolean;
}

/** An order that is due, and what a look at it is worth. */
interface Candidate extends Due {
  /** The lag that a look at the order is expected to end: what it contributes to a list that shows several orders. */
  readonly gainMs: number;
  /** What a check of this order alone is worth. */
  readonly worthMs: number;
}

/**
 * Chooses the call that gains most. Cards, queries and the schedule are chosen for separately, so that calls can
 * alternate: the schedule never holds up a query, nor any number of queries the schedule.
 */
export class Choice {
  readonly #options: ChoiceOptions;
  /** When a check of an order was last chosen to confirm lists. */
  readonly #confirming = new LRUCache<string, number>({ max: MOST_CONFIRMING });

  readonly #leftOut: LeftOut;
  #wasProbedByList = false;

  constructor(options: ChoiceOptions) {
    this.#options = options;
    this.#leftOut = new LeftOut(options);
  }

  get isProbe(): boolean {
    return this.#options.isProbe();
  }

  /** The check for the first card that a list left out. */
  forCard(): Job | undefined {
    const orderId = this.#options.missingCards.first;
    return orderId === undefined ? undefined : { kind: 'check', orderId };
  }

  hasCard(): boolean {
    return this.#options.missingCards.size > 0;
  }

  /** The call for the query that has waited longest: a list if it can answer other queries too, otherwise a check. */
  async forRequests(): Promise<Job | undefined> {
    const { requests, sweepPlanner, isBusy } = this.#options;
    for (const { orderId, isUnlisted } of requests) {
      if (isBusy(orderId)) continue;
      const sweep = isUnlisted ? undefined : await sweepPlanner.forRequests(orderId);
      return sweep === undefined ? { kind: 'check', orderId } : { kind: 'sweep', sweep };
    }
    return undefined;
  }

  /** Whether a query waits for more than a call that is in flight, or already bound to start. */
  hasRequest(): boolean {
    const { requests, isBusy } = this.#options;
    for (const { orderId } of requests) if (!isBusy(orderId)) return true;
    return false;
  }

  /** A check of the due order that gains most by it now, or a list if that gains more. */
  async forSchedule(): Promise<Job | undefined> {
    const { isBusy, isProbe } = this.#options;
    const due = (await this.#due()).filter(({ orderId }) => !isBusy(orderId));
    if (!isProbe()) return this.#lookAt(due);
    const look = this.#wasProbedByList ? undefined : await this.#lookAt(due);
    this.#wasProbedByList = look?.kind === 'sweep';
    return this.#wasProbedByList ? look : this.#probe(due);
  }

  /**
   * A check of any of the orders that have failed least often, and of those one that was seen before: what fails from
   * the first look on is never seen. The upstream may fail at some orders alone, or at lists alone. Those orders are in
   * need for longest by then, and a list gains more than any check: nothing else would be tried for as long as it
   * fails.
   */
  #probe(due: readonly Candidate[]): Job | undefined {
    const fewest = Math.min(...due.map(({ failures }) => failures));
    const least = due.filter(({ failures }) => failures === fewest);
    const seen = least.filter(({ order }) => order !== undefined);
    const candidates = seen.length > 0 ? seen : least;
    const chosen = candidates[Math.floor(this.#options.random() * candidates.length)];
    return chosen && { kind: 'check', orderId: chosen.orderId };
  }

  async #lookAt(due: readonly Candidate[]): Promise<Job | undefined> {
    const neediest = due.reduce<Candidate | undefined>(moreInNeed, undefined);
    if (neediest === undefined) return undefined;
    const leftOut = this.#leftOut.whoseTurn(due);
    if (leftOut !== undefined) return { kind: 'check', orderId: leftOut };
    const { sweepPlanner } = this.#options;
    const page = await sweepPlanner.forSchedule(neediest);
    const [first, second] = page?.covered ?? [];
    if (page !== undefined && second !== undefined) {
      return this.#confirmation(page) ?? { kind: 'sweep', sweep: page };
    }
    // A check shows no less than a list of one order, and may show a card that a list leaves out. It must be of that
    // order: its page would go on being the best one, and the order itself never be looked at.
    const { orderId, order } = first !== undefined && this.#isDue(first) ? first : neediest;
    const sweep = order && isParked(order) ? await sweepPlanner.forParked(order) : undefined;
    return sweep === undefined ? { kind: 'check', orderId } : { kind: 'sweep', sweep };
  }

  /** In place of a list, if lists have to be confirmed: a check of the order that is likeliest to have ended unseen. */
  #confirmation({ covered }: Sweep): Job | undefined {
    const { trust, pacer, clock } = this.#options;
    if (!trust.confirmation.isDue) return undefined;
    const now = clock.now();
    const from = now - trust.confirmation.unconfirmedMs;
    let [suspect, likeliest]: [string | undefined, number] = [undefined, LEAST_CHANCE];
    for (const { orderId, order } of covered) {
      if (order === undefined) continue;
      const since = Math.max(from, this.#confirming.get(orderId) ?? 0);
      const chance = pacer.chanceOfEnd(order, { from: since, to: now });
      if (chance > likeliest) [suspect, likeliest] = [orderId, chance];
    }
    if (suspect === undefined) return undefined;
    this.#confirming.set(suspect, now);
    trust.confirmation.checking();
    return { kind: 'check', orderId: suspect };
  }

  #isDue({ order }: Pick<Covered, 'order'>): boolean {
    if (order === undefined) return true;
    return order.dueAt !== null && order.dueAt <= this.#options.clock.now();
  }

  /** Milliseconds until the next order that is not busy is due; `Infinity` if there is none. */
  async nextDueInMs(): Promise<number> {
    const { schedule, watchers, clock, isBusy, mostBusy } = this.#options;
    const ever = Number.MAX_SAFE_INTEGER;
    let next = Number.POSITIVE_INFINITY;
    for (const { latest, dueAt } of await schedule.due({ before: ever, limit: mostBusy() + 1 })) {
      if (dueAt !== null && !isBusy(latest.orderId)) next = Math.min(next, dueAt);
    }
    for (const { orderId, dueAt } of watchers.unseenDue(ever)) {
      if (!isBusy(orderId)) next = Math.min(next, dueAt);
    }
    return next - clock.now();
  }

  async #due(): Promise<readonly Candidate[]> {
    const { watchers, pacer, clock } = this.#options;
    const now = clock.now();
    const due: Candidate[] = [];
    for (const order of await this.#dueOrders(now)) {
      const [gainMs, worthMs] = [pacer.gainMs(order, now), pacer.worthMs(order, now)];
      const { orderId } = order.latest;
      const { dueAt, failures } = order;
      due.push({
        orderId,
        order,
        dueAt: dueAt ?? now,
        isUnlisted: false,
        failures,
        gainMs,
        worthMs,
      });
    }
    for (const unseen of watchers.unseenDue(now)) {
      const gainMs = pacer.firstLookGainMs(unseen, now);
      due.push({ ...unseen, order: undefined, gainMs, worthMs: gainMs });
    }
    return due;
  }

  /** Those due for longest and, however many those are, the young ones: they are the likeliest to settle just now. */
  async #dueOrders(now: number): Promise<Iterable<Order>> {
    const { schedule, mostBusy } = this.#options;
    const limit = MOST_CHOICES + mostBusy();
    const longest = await schedule.due({ before: now, limit });
    // None was left out, so the young ones are among them.
    if (longest.length < limit) return longest;
    // The upstream's clock may be ahead of ours.
    const young = { from: now - YOUNG_MS, to: now + YOUNG_MS, limit };
    const orders = new Map(longest.map((order) => [order.latest.orderId, order]));
    for (const order of await schedule.createdWithin(young)) {
      if (order.dueAt !== null && order.dueAt <= now) orders.set(order.latest.orderId, order);
    }
    return orders.values();
  }
}

function moreInNeed(best: Candidate | undefined, due: Candidate): Candidate {
  return best === undefined || due.worthMs > best.worthMs ? due : best;
}
