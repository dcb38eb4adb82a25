/**
 * The least lag that any policy can have on the workload of this bench. For every price of a call,
 * E[lag] >= min(lag + price · calls of one order) - price · (calls that there are for one order), and the
 * same for the part of the orders that is late. Derived in docs/lower-bound.md.
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

/** Milliseconds; infinite where there are more orders than calls for them. */
export interface Bound {
  readonly meanMs: number;
  readonly p95Ms: number;
}

export interface Load {
  readonly list: ListRegime;
  /** Orders in progress on average, as `ordersPerMs` takes it. */
  readonly inProgress: number;
}

const MINUTE_MS = 60_000;
const LATE_PART = 0.05;

/** A coarser one is quicker, and the bound is lower. */
export interface Accuracy {
  /** Of ages. A second must be a multiple, and so must half the latency. */
  readonly stepMs: number;
  /** The same, where other orders have to be drawn, which takes longer. */
  readonly drawnStepMs: number;
  /** The price is found on some draws, and the bound taken from others, so that it is not the luck of the price. */
  readonly drawsForPrice: number;
  readonly drawsForBound: number;
}

const FINE: Accuracy = { stepMs: 20, drawnStepMs: 50, drawsForPrice: 10, drawsForBound: 100 };

const SEED = 11;
/** Standard errors below the average of the draws: it is lower still once in a thousand times. */
const CAUTION = 3;

/** Standard deviations that a number of orders never differs by: not once in a billion times. */
const LUCK = 7;

const PRICE_STEPS = 18;
const LATEST_MS = 60_000;

/** Calls that the key allows for each order whose lag is measured. */
export function callsPerOrder(inProgress: number): number {
  return CALLS_PER_MINUTE / (ordersPerMs(inProgress) * MINUTE_MS * HANDLED_PART);
}

export function lowerBound(load: Load, accuracy = FINE): Bound {
  const calls = callsPerOrder(load.inProgress) - ownCalls(load) - slowCalls(load);
  if (calls <= 0) return { meanMs: Number.POSITIVE_INFINITY, p95Ms: Number.POSITIVE_INFINITY };
  // A list may show an order as often as calls allow: at every step.
  const apartMs = load.list === 'unusable' ? SHORTEST_INTERVAL_MS : accuracy.drawnStepMs;
  const question = { list: load.list, calls, apartMs, ...neighbourhoods(load, accuracy) };
  return { meanMs: leastMeanMs(question), p95Ms: leastP95Ms(question) };
}

/**
 * The same for policies whose lists of young orders are chosen without regard to what earlier ones showed, and that see
 * each to its end: the last look comes when it is as old as any but slow ones. Lists show settled orders as well, as
 * many as there are. By the count of rows alone; `undefined` where lists carry no cards, or where a page reaches from
 * slow orders to young ones.
 */
export function blindBound(load: Load): Bound | undefined {
  const slow = slowCalls(load);
  if (load.list !== 'with cards' || slow === 0) return undefined;
  const looks = (callsPerOrder(load.inProgress) - slow) * HANDLED_PART * PAGE;
  const young = 1 - SLOW_PART / HANDLED_PART;
  const [fewest, more] = [Math.floor(looks), looks % 1];
  // Slow ones are taken to be found in time: all that is late may be young.
  const needed = 1 - LATE_PART / young;
  let lagMs = LATEST_MS;
  while (lagMs > 0 && seenWithin(lagMs, looks, load) >= needed) lagMs -= 1;
  return {
    meanMs: HOME_MS + young * (ENDS_MS / 2) * ((1 - more) / fewest + more / (fewest + 1)),
    p95Ms: HOME_MS + lagMs,
  };
}

/** Young orders end evenly over so long. */
const ENDS_MS = LONGEST_MS - SHORTEST_MS;

/**
 * The part of young orders that may be seen within `lagMs` of their end, by so many looks at each on average. A look
 * sees the ends of the time before it. Some orders get one look more than fit, and miss nothing. Of the others, those
 * that were created before the last one on their page are seen later than they had to be.
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

/** Where lags are longer than so many pages, a last look that shows some of its rows too early never pays. */
const WIDE_PAGES = 4;

/**
 * Of the calls for each order, those that must find the slow ones once they are settled, which no list of young
 * orders shows as well: the fewest pages that hold them all begin at a slow order each, and go on to the first
 * that is not on the page before.
 */
function slowCalls({ list, inProgress }: Load): number {
  // Elsewhere the call that finds one settled is counted already.
  if (list !== 'with cards' || !isFarApart(inProgress)) return 0;
  const rowsForEach = PAGE - 1 + 1 / SLOW_PART;
  return 1 / (rowsForEach * HANDLED_PART);
}

/** Whether a page's worth of orders never takes as long to come as slow orders take beyond all others. */
function isFarApart(inProgress: number): boolean {
  const rows = ordersPerMs(inProgress) * (SLOW_MS - SLOW_FROM_MS);
  return rows - LUCK * Math.sqrt(rows) > PAGE;
}

/**
 * Calls that nobody shares: the one that finds the order settled, or fetches its card. Only a look tells which orders
 * are QUEUED: where each look is a call, those cost one as well.
 */
function ownCalls({ list }: Load): number {
  if (list === 'with cards') return 0;
  return list === 'unusable' ? 1 / HANDLED_PART : 1;
}

interface Question {
  readonly list: ListRegime;
  /** Between two looks at one order, at the least. */
  readonly apartMs: number;
  /** For looks at one order that find it in progress. */
  readonly calls: number;
  readonly grid: Grid;
  /** For each draw of the other orders: the part of a list call that a look costs, by age. */
  readonly forPrice: readonly Float64Array[];
  readonly forBound: readonly Float64Array[];
}

type Neighbourhoods = Pick<Question, 'grid' | 'forPrice' | 'forBound'>;

/** Where each order is looked at by itself. */
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

/** What is to be made small, for an order that a single check finds settled and for one that a list does. */
interface Objective {
  readonly bySingle: Loss;
  readonly byList: Loss;
  /** More than any call is worth. */
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
  // What a schedule off the grid may be better by.
  return HOME_MS + lagMs - grid.stepMs;
}

/** While at least 5 % of the orders must lag by more, so does the 95th percentile. */
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

/** The part of the orders whose lag is above so many steps, the way home not counted. */
function lateness({ grid, list }: Question, steps: number): Objective {
  const afterList = Math.round(afterListMs(list) / grid.stepMs);
  // One step more for what a schedule off the grid may be better by.
  return {
    bySingle: lateLoss(grid, steps + 1),
    byList: lateLoss(grid, Math.max(0, steps - afterList) + 1),
    highestPrice: 100,
  };
}

/** A list without cards only tells whom to ask for one: the answer goes home, and a call comes back. */
function afterListMs(list: ListRegime): number {
  return list === 'without cards' ? LATENCY_MS : 0;
}

/** The price at which an order is worth just the calls that there are for it: that of the best bound. */
function priceOf(question: Question, objective: Objective): number {
  let [low, high] = [Math.log(objective.highestPrice / 1e9), Math.log(objective.highestPrice)];
  const wants = (price: number) =>
    mean(question.forPrice.map((shares) => solve(question, objective, { price, shares }).calls));
  // Calls to spare are worth nothing.
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

/** The bound at a price, so low that the luck of the draws does not raise it. */
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
  // Where calls cost nothing, it makes no difference whom they are shared with.
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
  // A list with cards does all that a single check does, for less.
  const looks = { unusable: [single], 'with cards': [listed], 'without cards': [single, listed] };
  const apart = apartMs / grid.stepMs;
  return cheapest({ grid, looks: looks[list], apart, price });
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
}
