/**
 * The least mean lag that any policy can have on the arrivals of one run, where each order is checked by itself. A call
 * has a price of its own in each second, so that what is left of a quiet minute is no help in a busy one. Whatever the
 * prices, sum of E[lag] >= sum of min(lag + what the calls of one order cost) - what all calls together may cost.
 * Derived in docs/lower-bound.md.
 */
import { SHORTEST_INTERVAL_MS } from '../../src/core/cadence.ts';
import { firstAfter, type Grid, gridOf, type Loss, lagLoss, SLOW_FROM_MS } from './schedule.ts';
import { CALLS_PER_MINUTE, LATENCY_MS } from './upstream.ts';
import { HANDLED_PART, SLOW_MS } from './workload.ts';

const SECOND_MS = 1_000;
/** The limit is for any so long. */
const WINDOW_SECONDS = 60;

/** From the moment that the upstream looks to the snapshot in the log. */
const HOME_MS = LATENCY_MS / 2;

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
  const schedule = new CheapestSchedule(grid, pricesOf(windowPrices));
  let sum = 0;
  for (const arrivedAt of run.at) sum += HANDLED_PART * schedule.costOf(arrivedAt, used);
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

/** The cheapest schedule of looks at one order: as in `schedule.ts`, but at prices that depend on the time. */
class CheapestSchedule {
  readonly #grid: Grid;
  readonly #prices: Prices;
  readonly #loss: Loss;
  readonly #end: number;
  /** By the age of a look that found nothing: what the rest comes to, and when the next look is. */
  readonly #sums: Float64Array;
  readonly #nexts: Int32Array;
  /** By the age of a look: what a call costs then, for the order at hand. */
  readonly #calls: Float64Array;

  constructor(grid: Grid, prices: Prices) {
    this.#grid = grid;
    this.#prices = prices;
    this.#loss = lagLoss(grid, 0);
    // Looks at this age stand for all later ones.
    this.#end = SLOW_FROM_MS / grid.stepMs;
    this.#sums = new Float64Array(this.#end + 1);
    this.#nexts = new Int32Array(this.#end + 1);
    this.#calls = new Float64Array(this.#end + 1);
  }

  /** Expected lag and prices together, in milliseconds. Adds the calls to those of their seconds. */
  costOf(arrivedAt: number, used: Float64Array): number {
    const apart = SHORTEST_INTERVAL_MS / this.#grid.stepMs;
    for (let place = 1; place < this.#end; place += 1) {
      this.#calls[place] = this.#priceOf(arrivedAt, place);
    }
    for (let from = this.#end; from >= 0; from -= 1) {
      this.#putOff(arrivedAt, from);
      // To tell who is QUEUED, a look may be made at once.
      const first = from === 0 ? 1 : firstAfter(from, apart, this.#end);
      for (let to = first; to < this.#end && this.#weigh(from, to); to += 1);
    }
    this.#count(arrivedAt, used);
    return this.#sums[0] ?? 0;
  }

  /** The last look but for that at slow orders: when all others have settled, or whenever it is cheaper. */
  #putOff(arrivedAt: number, from: number): void {
    const { later } = this.#prices;
    const slow = this.#unsettled(this.#end);
    // An order that is QUEUED loses nothing by waiting, until a call costs nothing.
    const cost =
      (this.#unsettled(from) - slow) * priceAt(later, arrivedAt + SLOW_FROM_MS) +
      slow * priceAt(later, arrivedAt + SLOW_MS);
    this.#sums[from] = cost + (from === this.#end ? 0 : this.#loss(from, this.#end));
    this.#nexts[from] = this.#end;
  }

  /** Takes a look at `to` as the next after `from` where that is best; false where no later one can be. */
  #weigh(from: number, to: number): boolean {
    const lost = this.#loss(from, to);
    const best = this.#sums[from] ?? 0;
    if (lost >= best) return false;
    const paid = this.#asked(from) * (this.#calls[to] ?? 0);
    const sum = lost + paid + (this.#sums[to] ?? 0);
    if (sum < best) {
      this.#sums[from] = sum;
      this.#nexts[from] = to;
    }
    return true;
  }

  /** Of the step that ends at this age, the cheapest moment: looks off the grid are moved to its end. */
  #priceOf(arrivedAt: number, place: number): number {
    const at = arrivedAt + place * this.#grid.stepMs;
    const { calls } = this.#prices;
    return Math.min(priceAt(calls, at - this.#grid.stepMs), priceAt(calls, at));
  }

  #count(arrivedAt: number, used: Float64Array): void {
    const add = (atMs: number, part: number) => {
      const second = Math.floor(atMs / SECOND_MS);
      if (second < used.length) used[second] = (used[second] ?? 0) + HANDLED_PART * part;
    };
    for (let from = 0; from < this.#end; from = this.#nexts[from] ?? this.#end) {
      const to = this.#nexts[from] ?? this.#end;
      add(arrivedAt + to * this.#grid.stepMs, this.#asked(from));
    }
    add(arrivedAt + SLOW_MS, this.#unsettled(this.#end));
  }

  /** Who is looked at next: all that are in progress, and at first those that are QUEUED, which only a look tells. */
  #asked(from: number): number {
    return from === 0 ? 1 / HANDLED_PART : this.#unsettled(from);
  }

  #unsettled(place: number): number {
    return this.#grid.unsettled[place] ?? 0;
  }
}

function priceAt(bySecond: Float64Array, atMs: number): number {
  return bySecond[Math.floor(atMs / SECOND_MS)] ?? 0;
}
