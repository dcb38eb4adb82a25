/**
 * A lower bound on the lag of any policy on the workload of this bench. For every price of a call,
 * E[lag] >= min(lag + price · calls of one order) - price · (available calls per order), and likewise for the share of
 * orders that are late. Derived in docs/lower-bound.md.
 */
import { SHORTEST_INTERVAL_MS } from '../../src/core/cadence.ts';
import { createRandom } from '../../src/simulator/random.ts';
import { drawShares, PAGE } from './neighbours.ts';
import {
  type Cost,
  cheapest,
  type Grid,
  gridOf,
  type Loss,
  lagLoss,
  lateLoss,
  SLOW_FROM_MS,
} from './schedule.ts';
import { CALLS_PER_MINUTE, HOME_MS, LATENCY_MS, type ListRegime } from './upstream.ts';
import {
  HANDLED_PART,
  LONGEST_MS,
  ordersPerMs,
  SHORTEST_MS,
  SLOW_MS,
  SLOW_PART,
} from './workload.ts';

/** In milliseconds; infinite if there are fewer calls than orders that need one. */
export interface Bound {
  readonly meanMs: number;
  readonly p95Ms: number;
}

export interface Load {
  readonly list: ListRegime;
  /** The average number of orders in progress, as in `ordersPerMs`. */
  readonly inProgress: number;
}

const MINUTE_MS = 60_000;
const LATE_PART = 0.05;

/** A coarser accuracy is quicker to compute, and gives a lower bound. */
export interface Accuracy {
  /** The step of the grid of ages. A second must be a multiple of it, and so must half the latency. */
  readonly stepMs: number;
  /** The step where other orders have to be drawn at random, which takes longer. */
  readonly drawnStepMs: number;
  /** The price is chosen on some draws and the bound taken from others, so that the choice does not bias the bound. */
  readonly drawsForPrice: number;
  readonly drawsForBound: number;
}

const FINE: Accuracy = { stepMs: 20, drawnStepMs: 50, drawsForPrice: 10, drawsForBound: 100 };

const SEED = 11;
/** How many standard errors below the draws' average the bound is taken: the true value is lower once in a thousand. */
const CAUTION = 3;

/** A number of orders differs by more than this many standard deviations from its mean less than once in a billion. */
const LUCK = 7;

const PRICE_STEPS = 18;
const LATEST_MS = 60_000;

/** Calls that the key allows per order whose lag is measured. */
export function callsPerOrder(inProgress: number): number {
  return CALLS_PER_MINUTE / (ordersPerMs(inProgress) * MINUTE_MS * HANDLED_PART);
}

export function lowerBound(load: Load, accuracy = FINE): Bound {
  const calls = callsPerOrder(load.inProgress) - ownCalls(load) - slowCalls(load);
  if (calls <= 0) return { meanMs: Number.POSITIVE_INFINITY, p95Ms: Number.POSITIVE_INFINITY };
  // Lists may show an order as often as the calls allow: at every step.
  const apartMs = load.list === 'unusable' ? SHORTEST_INTERVAL_MS : accuracy.drawnStepMs;
  const question = { list: load.list, calls, apartMs, ...neighbourhoods(load, accuracy) };
  return { meanMs: leastMeanMs(question), p95Ms: leastP95Ms(question) };
}

/**
 * The bound for blind policies: their choice of lists of young orders ignores what earlier lists showed, and they look
 * at each order to its end, that is once more at the age by which all but slow orders have settled. A list shows
 * settled orders as well. The bound follows from counting rows alone. `undefined` if lists carry no cards, or if a page
 * can show slow and young orders together.
 */
export function blindBound(load: Load): Bound | undefined {
  const slow = slowCalls(load);
  if (load.list !== 'with cards' || slow === 0) return undefined;
  const looks = (callsPerOrder(load.inProgress) - slow) * HANDLED_PART * PAGE;
  const young = 1 - SLOW_PART / HANDLED_PART;
  const [fewest, more] = [Math.floor(looks), looks % 1];
  // Slow orders are assumed to be found in time, so all late orders may be young ones.
  const needed = 1 - LATE_PART / young;
  let lagMs = LATEST_MS;
  while (lagMs > 0 && seenWithin(lagMs, looks, load) >= needed) lagMs -= 1;
  return {
    meanMs: HOME_MS + young * (ENDS_MS / 2) * ((1 - more) / fewest + more / (fewest + 1)),
    p95Ms: HOME_MS + lagMs,
  };
}

/** Young orders settle evenly over this span of ages. */
const ENDS_MS = LONGEST_MS - SHORTEST_MS;

/**
 * An upper bound on the share of young orders that are seen within `lagMs` of settling, with `looks` looks per order on
 * average. A look is in time for the orders that settled in the `lagMs` before it. Some orders get one look more than
 * fit side by side, and so are always seen in time. The others lose by page: the last look comes later than necessary
 * for all but the youngest order of the page.
 */
function seenWithin(lagMs: number, looks: number, { inProgress }: Load): number {
  const fitting = Math.floor(ENDS_MS / lagMs);
  const pageMs = PAGE / ordersPerMs(inProgress);
  const laterMs = lagMs < WIDE_PAGES * pageMs ? 0 : (pageMs * (1 - 1 / PAGE)) / 2;
  const best = laterMs === 0 ? 0 : 1 + (ENDS_MS - (fitting + 1) * lagMs) / (2 * laterMs);
  const withMore = Math.min(1, Math.max(looks - fitting, Math.min(best, looks / (fitting + 1))));
  const seenMs = (looks - (fitting + 1) * withMore) * lagMs - laterMs * (1 - withMore) ** 2;
  return Math.min(1, withMore + seenMs / ENDS_MS);
}

/** If lags are longer than this many pages, a last look that comes too early for some of its rows never pays. */
const WIDE_PAGES = 4;

/**
 * The calls per order that are needed to find slow orders once they have settled, which no list of young orders shows.
 * The fewest pages that show all slow orders each begin at the first slow order that is not on the previous page.
 */
function slowCalls({ list, inProgress }: Load): number {
  // In the other regimes, the call that finds a slow order settled is already counted.
  if (list !== 'with cards' || !isFarApart(inProgress)) return 0;
  const rowsForEach = PAGE - 1 + 1 / SLOW_PART;
  return 1 / (rowsForEach * HANDLED_PART);
}

/** Whether more than a page of orders always arrives in the time by which slow orders outlast all others. */
function isFarApart(inProgress: number): boolean {
  const rows = ordersPerMs(inProgress) * (SLOW_MS - SLOW_FROM_MS);
  return rows - LUCK * Math.sqrt(rows) > PAGE;
}

/**
 * Calls per order that cannot be shared: the one that finds the order settled, or fetches its card. If each look is a
 * call, QUEUED orders cost one as well, since only a look shows that they are QUEUED.
 */
function ownCalls({ list }: Load): number {
  if (list === 'with cards') return 0;
  return list === 'unusable' ? 1 / HANDLED_PART : 1;
}

interface Question {
  readonly list: ListRegime;
  /** The least time between two looks at one order. */
  readonly apartMs: number;
  /** The available calls per order for looks that find it in progress. */
  readonly calls: number;
  readonly grid: Grid;
  /** For each draw of the other orders: the share of a list call that a look costs, by age. */
  readonly forPrice: readonly Float64Array[];
  readonly forBound: readonly Float64Array[];
}

type Neighbourhoods = Pick<Question, 'grid' | 'forPrice' | 'forBound'>;

/** The neighbourhoods if each order is checked by itself. */
function alone({ stepMs }: Accuracy): Neighbourhoods {
  return { grid: gridOf(stepMs), forPrice: [new Float64Array()], forBound: [new Float64Array()] };
}

function neighbourhoods({ list, inProgress }: Load, accuracy: Accuracy): Neighbourhoods {
  if (list === 'unusable') return alone(accuracy);
  const grid = gridOf(accuracy.drawnStepMs);
  const random = createRandom(SEED);
  const draw = (draws: number) =>
    Array.from({ length: draws }, () => drawShares(grid, { inProgress, random }));
  return { grid, forPrice: draw(accuracy.drawsForPrice), forBound: draw(accuracy.drawsForBound) };
}

/** The loss to minimise, for an order that a single check finds settled and for one that a list finds settled. */
interface Objective {
  readonly bySingle: Loss;
  readonly byList: Loss;
  /** An upper bound on what a call is worth. */
  readonly highestPrice: number;
}

function leastMeanMs(question: Question): number {
  const { grid, list } = question;
  const objective = {
    bySingle: lagLoss(grid, 0),
    byList: lagLoss(grid, afterListMs(list)),
    highestPrice: 1_000_000,
  };
  const lagMs = cautious(question, objective, priceOf(question, objective));
  // A schedule off the grid may be better by one step.
  return HOME_MS + lagMs - grid.stepMs;
}

/** The largest lag that at least 5 % of the orders must exceed: the 95th percentile cannot be lower. */
function leastP95Ms(question: Question): number {
  const { stepMs } = question.grid;
  let [low, high] = [0, LATEST_MS / stepMs];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const objective = lateness(question, middle);
    if (average(question, objective, priceOf(question, objective)) > LATE_PART) low = middle;
    else high = middle;
  }
  while (low > 0 && !isExceeded(question, low)) low -= 1;
  return HOME_MS + low * stepMs;
}

function isExceeded(question: Question, steps: number): boolean {
  const objective = lateness(question, steps);
  return cautious(question, objective, priceOf(question, objective)) > LATE_PART;
}

/** The share of orders whose lag exceeds `steps` steps, not counting the answer's way back. */
function lateness({ grid, list }: Question, steps: number): Objective {
  const afterList = Math.round(afterListMs(list) / grid.stepMs);
  // One step more, since a schedule off the grid may be better by one.
  return {
    bySingle: lateLoss(grid, steps + 1),
    byList: lateLoss(grid, Math.max(0, steps - afterList) + 1),
    highestPrice: 100,
  };
}

/** The lag that a list adds: without cards, its answer must come back before the call for the card can go out. */
function afterListMs(list: ListRegime): number {
  return list === 'without cards' ? LATENCY_MS : 0;
}

/** The price at which an order's best schedule uses just the available calls, which gives the best bound. */
function priceOf(question: Question, objective: Objective): number {
  let [low, high] = [Math.log(objective.highestPrice / 1e9), Math.log(objective.highestPrice)];
  const wants = (price: number) =>
    mean(question.forPrice.map((shares) => solve(question, objective, { price, shares }).calls));
  // If calls are left over, they are worth nothing.
  if (wants(Math.exp(low)) <= question.calls) return 0;
  for (let step = 0; step < PRICE_STEPS; step += 1) {
    const middle = (low + high) / 2;
    if (wants(Math.exp(middle)) > question.calls) low = middle;
    else high = middle;
  }
  return Math.exp((low + high) / 2);
}

function average(question: Question, objective: Objective, price: number): number {
  return mean(values(question, objective, { price, draws: question.forPrice }));
}

/** The bound at a price, `CAUTION` standard errors below the draws' average, so that chance does not raise it. */
function cautious(question: Question, objective: Objective, price: number): number {
  const all = values(question, objective, { price, draws: question.forBound });
  const middle = mean(all);
  const variance = mean(all.map((value) => (value - middle) ** 2));
  return middle - CAUTION * Math.sqrt(variance / Math.max(1, all.length - 1));
}

function values(
  question: Question,
  objective: Objective,
  { price, draws }: { readonly price: number; readonly draws: readonly Float64Array[] },
): readonly number[] {
  // If calls cost nothing, the draw makes no difference.
  return draws.slice(0, price === 0 ? 1 : draws.length).map((shares) => {
    const { loss, calls } = solve(question, objective, { price, shares });
    return loss + price * (calls - question.calls);
  });
}

function solve(
  { grid, list, apartMs }: Question,
  { bySingle, byList }: Objective,
  { price, shares }: { readonly price: number; readonly shares: Float64Array },
): Cost {
  const single = { loss: bySingle, calls: grid.agesMs.map(() => 1) };
  const listed = { loss: byList, calls: shares };
  // A list with cards shows all that a single check does, for less.
  const looks = { unusable: [single], 'with cards': [listed], 'without cards': [single, listed] };
  const apart = apartMs / grid.stepMs;
  return cheapest({ grid, looks: looks[list], apart, price });
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
}
