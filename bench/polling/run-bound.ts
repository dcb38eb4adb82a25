/**
 * A lower bound on the mean lag of any policy on the arrivals of one run, if each order is checked by itself. A call
 * has its own price in each second, so that unused calls of a quiet minute do not help in a busy one. For any prices,
 * the sum of E[lag] >= sum of min(lag + cost of the order's calls) - the most that all calls together can cost. Derived
 * in docs/lower-bound.md.
 */
import { SHORTEST_INTERVAL_MS } from '../../src/core/cadence.ts';
import { cheapest, type Grid, gridOf, lagLoss, SLOW_FROM_MS } from './schedule.ts';
import { CALLS_PER_MINUTE, HOME_MS } from './upstream.ts';
import { HANDLED_PART, QUEUED_PART, SLOW_MS } from './workload.ts';

const SECOND_MS = 1_000;
/** The limit applies to any window of this length. */
const WINDOW_SECONDS = 60;

/** A coarser accuracy is quicker to compute, and gives a lower bound. */
export interface RunAccuracy {
  /** The step of the grid of ages during the search for prices. A second must be a multiple of it. */
  readonly searchStepMs: number;
  /** The step for the bound with the prices that were found. A second must be a multiple of it. */
  readonly stepMs: number;
  /** The number of ascent steps to better prices. Any prices give a valid bound. */
  readonly searchSteps: number;
}

const FINE: RunAccuracy = { searchStepMs: 250, stepMs: 20, searchSteps: 40 };

/** The search begins with the best of these prices for all calls, each twice the previous one. */
const FLAT_PRICES_MS = Array.from({ length: 18 }, (_, power) => 2 ** power);
/** About this many ascent steps have nearly the size of the first; later ones are smaller. */
const LONG_STEPS = 10;

/** One run. All times are milliseconds from its start. */
export interface RunArrivals {
  /** When orders arrive, QUEUED ones too. */
  readonly at: readonly number[];
  /** The end of the run: no call can be made later. */
  readonly untilMs: number;
}

/** In milliseconds. For orders that are not QUEUED, averaged over the lives that the arriving orders may have. */
export function leastMeanOfRun(run: RunArrivals, accuracy = FINE): number {
  const prices = bestPrices(run, accuracy);
  const { stepMs } = accuracy;
  return HOME_MS - stepMs + evaluated(run, prices, gridOf(stepMs)).leastMs;
}

/**
 * By second: what one more call would be worth in the minute that begins there. Starts from the best flat price and
 * ascends in steps: the price of a minute rises if more calls are wanted in it than are allowed, and falls otherwise.
 */
function bestPrices(run: RunArrivals, { searchStepMs, searchSteps }: RunAccuracy): Float64Array {
  const grid = gridOf(searchStepMs);
  // One second more, since a call may be made at the last moment.
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

/** The outcome of a set of prices. */
interface Evaluated {
  /** By second: the price of a call in the minute that begins there. */
  readonly windowPrices: Float64Array;
  /** The bound, without the answer's way back and the step of the grid. */
  readonly leastMs: number;
  /** By second: the expected number of calls of the cheapest schedules. */
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
    // `callsOf` already counts a call as its price.
    const best = cheapest({ grid, looks, apart, price: 1 });
    sum += HANDLED_PART * (best.loss + best.calls);
    count(best.places, { arrivedAt, grid, used });
  }
  const allowed = CALLS_PER_MINUTE * windowPrices.reduce((all, price) => all + price, 0);
  return { leastMs: (sum - allowed) / (run.at.length * HANDLED_PART), used, windowPrices };
}

interface Prices {
  /** By second: the price of one call. */
  readonly calls: Float64Array;
  /** By second: the least cost of a call now or later, where waiting costs one per millisecond. */
  readonly later: Float64Array;
}

/** The price of a call is the sum over all windows that began within the last minute, since it counts in each. */
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
    // The next second may be about to begin, so waiting for it may cost nothing.
    later[second] = Math.min(now, fromNext);
    fromNext = Math.min(now, SECOND_MS + fromNext);
  }
  return { calls, later };
}

/** By age: the price of a call for an order that arrived at `arrivedAt`. */
function callsOf(arrivedAt: number, bySecond: Prices, { agesMs, stepMs }: Grid) {
  const end = agesMs.length - 1;
  // The cheapest moment within the step that ends at the age, since looks off the grid are moved to the step's end.
  const prices = agesMs.map((ageMs) => {
    const at = arrivedAt + ageMs;
    return Math.min(priceAt(bySecond.calls, at - stepMs), priceAt(bySecond.calls, at));
  });
  // The last two ages stand for all later ones: a look there may wait for a lower price, and finds the order settled.
  const calls = prices.slice().fill(0, end - 1);
  const found = prices.slice();
  found[end - 1] = priceAt(bySecond.later, arrivedAt + SLOW_FROM_MS);
  found[end] = priceAt(bySecond.later, arrivedAt + SLOW_MS);
  // Only a look shows which orders are QUEUED. That look may wait until it costs nothing: QUEUED orders have no lag.
  const first = calls.map((price) => (price * QUEUED_PART) / HANDLED_PART);
  return { calls, found, first };
}

/** Adds the expected calls of a schedule to `used`. */
function count(
  places: readonly number[],
  {
    arrivedAt,
    grid,
    used,
  }: Pick<Evaluated, 'used'> & { readonly arrivedAt: number; readonly grid: Grid },
): void {
  // The first look is at all orders, QUEUED ones too.
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
