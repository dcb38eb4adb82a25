import type { Random } from '../../src/core/ports.ts';
import { createRandom } from '../../src/simulator/random.ts';
import { PAGE } from './neighbours.ts';
import { SLOW_FROM_MS } from './schedule.ts';
import { HOME_MS, LATENCY_MS } from './upstream.ts';
import { drawLife, HANDLED_PART, LONGEST_MS, ordersPerMs, SHORTEST_MS } from './workload.ts';

/** The calls that the key allows, less the few that any rate limiter loses. */
const CALLS_PER_MINUTE = 118;
const CALL_EVERY_MS = 60_000 / CALLS_PER_MINUTE;
const ORDERS = 200_000;
const SEED = 5;

/**
 * Not a bound, but the lags of a simple policy without any waste if lists show no cards: one list that shows all
 * settled orders, then one call for the card of each, then the next list, with all calls evenly spaced. Lags in
 * milliseconds; `undefined` if there are more orders than calls.
 */
export function gatedCycle(inProgress: number): readonly number[] | undefined {
  const perMs = ordersPerMs(inProgress) * HANDLED_PART;
  if (perMs * CALL_EVERY_MS >= 1) return undefined;
  const settled = settlements(perMs);
  const lagsMs: number[] = [];
  let now = 0;
  while (lagsMs.length < settled.length) {
    now += CALL_EVERY_MS;
    const listedAt = now;
    for (let at = settled[lagsMs.length]; at !== undefined && at <= listedAt; ) {
      now = Math.max(now + CALL_EVERY_MS, listedAt + LATENCY_MS);
      lagsMs.push(now + HOME_MS - at);
      at = settled[lagsMs.length];
    }
  }
  return lagsMs;
}

function settlements(perMs: number): readonly number[] {
  const random = createRandom(SEED);
  let at = 0;
  return Array.from({ length: ORDERS }, () => {
    at -= Math.log(1 - random()) / perMs;
    return at;
  });
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
