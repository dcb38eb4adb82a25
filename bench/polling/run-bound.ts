/**
 * The least mean lag that any policy can have on the arrivals of one run, where each order is checked by itself. A call
 * has a price of its own in each second, so that what is left of a quiet minute is no help in a busy one. Whatever the
 * prices, sum of E[lag] >= sum of min(lag + what the calls of one order cost) - what all calls together may cost.
 * Derived in docs/lower-bound.md.
 */
import { SHORTEST_INTERVAL_MS } from '../../src/core/cadence.ts';
import { cheapest, type Grid, gridOf, lagLoss, SLOW_FROM_MS } from './schedule.ts';
import { CALLS_PER_MINUTE, HOME_MS } from './upstream.ts';
import { HANDLED_PART, QUEUED_PART, SLOW_MS } from './workload.ts';

const SECOND_MS = 1_000;
/** The limit is for any so long. */
const WINDOW_SECONDS = 60;

/** A coarser one is quicker, and the bound is lower. */
export interface RunAccuracy {
  /** Between ages, in milliseconds, while prices are looked for. A second must be a multiple. */
  readonly searchStepMs: number;
  /** The same, for the bound with the prices that were found. */
  readonly stepMs: number;
  /** Uphill to better prices. Any prices give a bound. */
  readonly searchSteps: number;
}

const FINE: RunAccuracy = { searchStepMs: 250, stepMs: 40, searchSteps: 40 };

/** Of one price for all calls, which is where the search begins: each twice the one before. */
const FLAT_PRICES_MS = Array.from({ length: 18 }, (_, power) => 2 ** power);
/** So many steps uphill are about as long as the first. */
const LONG_STEPS = 10;

/** One run, in milliseconds from its begin. */
export interface RunArrivals {
  /** When orders come, QUEUED ones too. */
  readonly at: readonly number[];
  /** No call can be made later. */
  readonly untilMs: number;
}

/** In milliseconds, for orders that are not QUEUED, on average over the lives that orders of these arrivals may have. */
export function leastMeanOfRun(run: RunArrivals, accuracy = FINE): number {
  const prices = bestPrices(run, accuracy);
  const { stepMs } = accuracy;
  return HOME_MS - stepMs + evaluated(run, prices, gridOf(stepMs)).leastMs;
}

/**
 * By second: what one more call would be worth in the minute that begins there. From the best flat price, by steps
 * uphill: a minute that more calls are wanted in than it has becomes dearer.
 */
function bestPrices(run: RunArrivals, { searchStepMs, searchSteps }: RunAccuracy): Float64Array {
  const grid = gridOf(searchStepMs);
  // One more: a call may be made in the last moment.
  const seconds = Math.ceil(run.untilMs / SECOND_MS) + 1;
  const better = (one: Evaluated, other: Evaluated) => (other.leastMs > one.leastMs ? other : one);
  let here = FLAT_PRICES_MS.map((priceMs) =>
    evaluated(run, new Float64Array(seconds).fill(priceMs / WINDOW_SECONDS), grid),
  ).reduce(better);
  let best = here;
  for (let step = 0; step < searchSteps; step += 1) {
    const rate = 1 / Math.sqrt(1 + step / LONG_STEPS);
    const { windowPrices, used } = here;
    const next = windowPrices.map(
      (price, second) => price * Math.exp(rate * (inWindow(used, second) / CALLS_PER_MINUTE - 1)),
    );
    here = evaluated(run, next, grid);
    best = better(best, here);
  }
  return best.windowPrices;
}

function inWindow(used: Float64Array, second: number): number {
  let sum = 0;
  for (let at = second; at < Math.min(second + WINDOW_SECONDS, used.length); at += 1)
    sum += used[at] ?? 0;
  return sum;
}

/** What prices lead to. */
interface Evaluated {
  /** By second: of a call in the minute that begins there. */
  readonly windowPrices: Float64Array;
  /** The bound, but for the way home and the step of the grid. */
  readonly leastMs: number;
  /** By second: calls that the cheapest schedules expect. */
  readonly used: Float64Array;
}

function evaluated(run: RunArrivals, windowPrices: Float64Array, grid: Grid): Evaluated {
  const used = new Float64Array(windowPrices.length);
  const prices = pricesOf(windowPrices);
  const loss = lagLoss(grid, 0);
  const apart = SHORTEST_INTERVAL_MS / grid.stepMs;
  let sum = 0;
  for (const arrivedAt of run.at) {
    const looks = [{ loss, ...callsOf(arrivedAt, prices, grid) }];
    // A call is counted as what it costs.
    const best = cheapest({ grid, looks, apart, price: 1 });
    sum += HANDLED_PART * (best.loss + best.calls);
    count(best.places, { arrivedAt, grid, used });
  }
  const allowed = CALLS_PER_MINUTE * windowPrices.reduce((all, price) => all + price, 0);
  return { leastMs: (sum - allowed) / (run.at.length * HANDLED_PART), used, windowPrices };
}

interface Prices {
  /** By second: of one call. */
  readonly calls: Float64Array;
  /** By second: the same, or less where it is cheaper to wait, at a millisecond for each of waiting. */
  readonly later: Float64Array;
}

/** A call is in every window that began within the last minute. */
function pricesOf(windowPrices: Float64Array): Prices {
  const calls = new Float64Array(windowPrices.length);
  const later = new Float64Array(windowPrices.length);
  let price = 0;
  for (const [second, opened] of windowPrices.entries()) {
    price += opened - (windowPrices[second - WINDOW_SECONDS] ?? 0);
    calls[second] = Math.max(0, price);
  }
  // After the last second calls cost nothing.
  let fromNext = 0;
  for (let second = windowPrices.length - 1; second >= 0; second -= 1) {
    const now = calls[second] ?? 0;
    // The next second may be about to begin.
    later[second] = Math.min(now, fromNext);
    fromNext = Math.min(now, SECOND_MS + fromNext);
  }
  return { calls, later };
}

/** By age: what a call costs, for an order that came at this moment. */
function callsOf(arrivedAt: number, bySecond: Prices, { agesMs, stepMs }: Grid) {
  const end = agesMs.length - 1;
  // Of the step that ends at an age, the cheapest moment: looks off the grid are moved to its end.
  const prices = agesMs.map((ageMs) => {
    const at = arrivedAt + ageMs;
    return Math.min(priceAt(bySecond.calls, at - stepMs), priceAt(bySecond.calls, at));
  });
  // The last two stand for all later ones: each waits where that is cheaper, and only finds.
  const calls = prices.slice().fill(0, end - 1);
  const found = prices.slice();
  found[end - 1] = priceAt(bySecond.later, arrivedAt + SLOW_FROM_MS);
  found[end] = priceAt(bySecond.later, arrivedAt + SLOW_MS);
  // Only a look tells who is QUEUED. They lose nothing by waiting, until it costs nothing.
  const first = calls.map((price) => (price * QUEUED_PART) / HANDLED_PART);
  return { calls, found, first };
}

/** Adds the calls of a schedule to those of their seconds. */
function count(
  places: readonly number[],
  {
    arrivedAt,
    grid,
    used,
  }: Pick<Evaluated, 'used'> & { readonly arrivedAt: number; readonly grid: Grid },
): void {
  // All are looked at first, those that are QUEUED too.
  let asked = 1 / HANDLED_PART;
  for (const place of places) {
    const second = Math.floor((arrivedAt + (grid.agesMs[place] ?? 0)) / SECOND_MS);
    if (second < used.length) used[second] = (used[second] ?? 0) + HANDLED_PART * asked;
    asked = grid.unsettled[place] ?? 0;
  }
}

function priceAt(bySecond: Float64Array, atMs: number): number {
  return bySecond[Math.floor(atMs / SECOND_MS)] ?? 0;
}
