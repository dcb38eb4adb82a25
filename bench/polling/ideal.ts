import type { Random } from '../../src/core/ports.ts';
import { createRandom } from '../../src/simulator/random.ts';
import { PAGE } from './neighbours.ts';
import { SLOW_FROM_MS } from './schedule.ts';
import { HOME_MS } from './upstream.ts';
import { drawLife, LONGEST_MS, ordersPerMs, SHORTEST_MS } from './workload.ts';

/** The calls that the key allows, less the few that any rate limiter loses. */
const CALLS_PER_MINUTE = 118;
const SEED = 5;

/**
 * The lags of the ideal cycle if lists show no cards: one list that shows all settled orders, then one call for the
 * card of each, oldest first, then the next list, with all calls evenly spaced. Nothing is wasted. docs/lower-bound.md
 * shows that it is the best of all policies that space their calls like this and do not prefer younger orders; it is no
 * bound for others. Lags in milliseconds.
 *
 * @param settledAt when the orders settled, in Unix milliseconds, the first one first.
 */
export function idealCycle(settledAt: readonly number[]): readonly number[] {
  return evenCalls(settledAt, (known) => (known.length > 0 ? 0 : undefined));
}

/** While late orders want cards, the next list comes after this time. Found by trial. */
const LISTS_EVERY_MS = 3_500;

/**
 * The same calls, spent on the share of orders that wait for `inTimeMs` at most: an order that is late already waits
 * until no other needs a call.
 */
export function lateOnesLast(
  settledAt: readonly number[],
  { inTimeMs, callsPerMinute }: { readonly inTimeMs: number; readonly callsPerMinute?: number },
): readonly number[] {
  const next: NextCall = (known, { now, listedAt }) => {
    const inTime = known.findIndex((at) => now + HOME_MS - at <= inTimeMs);
    if (inTime >= 0) return inTime;
    return known.length > 0 && now - listedAt < LISTS_EVERY_MS ? 0 : undefined;
  };
  return evenCalls(settledAt, next, callsPerMinute);
}

/**
 * Decides what the next call is for: the card of the returned order, an index into `known`, or a list if there is none.
 * `known` are the moments at which the orders settled that lists have shown, and whose cards are wanted.
 */
export type NextCall = (
  known: readonly number[],
  times: { readonly now: number; readonly listedAt: number },
) => number | undefined;

/** Lags in milliseconds if lists show no cards and calls are evenly spaced. */
export function evenCalls(
  settledAt: readonly number[],
  nextCall: NextCall,
  callsPerMinute = CALLS_PER_MINUTE,
): readonly number[] {
  const callEveryMs = 60_000 / callsPerMinute;
  const known: number[] = [];
  const lagsMs: number[] = [];
  let listedAt = Number.NEGATIVE_INFINITY;
  for (let now = settledAt[0] ?? 0; lagsMs.length < settledAt.length; now += callEveryMs) {
    const chosen = nextCall(known, { now, listedAt });
    if (chosen === undefined) {
      listedAt = now;
      for (let next = lagsMs.length + known.length; (settledAt[next] ?? now + 1) <= now; next += 1)
        known.push(settledAt[next] ?? now);
    } else {
      lagsMs.push(now + HOME_MS - (known.splice(chosen, 1)[0] ?? now));
    }
  }
  return lagsMs;
}

export interface IdealOrder {
  readonly createdAt: number;
  /** Infinite for a QUEUED order. */
  readonly settlesAt: number;
}

const ROUNDS_MS = 20 * 60_000;

/**
 * Not a bound, but the lags of a policy that knows how long orders take and which are slow, if lists carry cards and a
 * page spans little time. Pages lie side by side. Each is looked at at even intervals, for the last time when its
 * youngest order reaches the age by which all but slow orders have settled. The looks get the calls that the fewest
 * pages for slow orders leave over, so some pages get one look more than others. Slow orders are found the moment that
 * they settle, and no page waits for another. Lags in milliseconds.
 */
export function evenRounds(
  inProgress: number,
  callsPerMinute = CALLS_PER_MINUTE,
): readonly number[] {
  const orders = drawOrders(inProgress, ROUNDS_MS, createRandom(SEED));
  const calls = (ROUNDS_MS / 60_000) * callsPerMinute - pagesOfSlow(orders);
  const looksEach = calls / Math.ceil(orders.length / PAGE);
  return orders.flatMap(({ createdAt, settlesAt }, place) => {
    if (!Number.isFinite(settlesAt)) return [];
    if (settlesAt - createdAt >= SLOW_FROM_MS) return [HOME_MS];
    const page = Math.floor(place / PAGE);
    const oldest = orders[page * PAGE];
    const youngest = orders[page * PAGE + PAGE - 1] ?? orders.at(-1);
    const firstEnd = (oldest?.createdAt ?? createdAt) + SHORTEST_MS;
    const lastLookAt = (youngest?.createdAt ?? createdAt) + LONGEST_MS;
    const looks = Math.floor(looksEach * (page + 1)) - Math.floor(looksEach * page);
    return [HOME_MS + ((lastLookAt - settlesAt) % ((lastLookAt - firstEnd) / looks))];
  });
}

export function drawOrders(
  inProgress: number,
  untilMs: number,
  random: Random,
): readonly IdealOrder[] {
  const orders: IdealOrder[] = [];
  for (let createdAt = 0; createdAt < untilMs; ) {
    createdAt -= Math.log(1 - random()) / ordersPerMs(inProgress);
    const { isQueued, ms } = drawLife(random);
    orders.push({ createdAt, settlesAt: isQueued ? Number.POSITIVE_INFINITY : createdAt + ms });
  }
  return orders;
}

/** The fewest pages that show all slow orders: each begins at the first slow order that is not on the previous page. */
function pagesOfSlow(orders: readonly IdealOrder[]): number {
  let [pages, until] = [0, 0];
  for (const [place, { createdAt, settlesAt }] of orders.entries()) {
    const isSlow = Number.isFinite(settlesAt) && settlesAt - createdAt >= SLOW_FROM_MS;
    if (isSlow && place >= until) [pages, until] = [pages + 1, place + PAGE];
  }
  return pages;
}
