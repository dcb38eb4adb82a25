/**
 * The cheapest schedule of looks at one order, by dynamic programming over its age. Exact on the grid;
 * docs/lower-bound.md explains why no schedule off the grid is better by more than a step.
 */
import { LONGEST_MS, SLOW_MS, unsettledAt } from './workload.ts';

/** From this age on only slow orders are in progress, and none settles before `SLOW_MS`. */
export const SLOW_FROM_MS = LONGEST_MS + 1_000;

/** Ages at which an order may be looked at: even steps up to `SLOW_FROM_MS`, then the end of the slow ones. */
export interface Grid {
  readonly stepMs: number;
  readonly agesMs: Float64Array;
  /** By age: the share of orders that are in progress. */
  readonly unsettled: Float64Array;
  /** By age: the average time for which an order has been settled. */
  readonly settledMs: Float64Array;
}

/**
 * The expected loss because orders settle between two ages (indices into the grid) and are seen only at the second: the
 * loss of one such order, times their share. Never decreases as the second age grows.
 */
export type Loss = (from: number, to: number) => number;

/** One way to look at an order. */
export interface Look {
  readonly loss: Loss;
  /** By age: the calls that a look costs if it finds the order in progress. */
  readonly calls: Float64Array;
  /** By age: the calls that a look costs if it finds the order settled; left out if those are counted elsewhere. */
  readonly found?: Float64Array;
  /** By age: the additional calls that a look costs if it is the first one. */
  readonly first?: Float64Array;
}

export interface Problem {
  readonly grid: Grid;
  readonly looks: readonly Look[];
  /** The least distance between two looks, in steps. */
  readonly apart: number;
  /** The loss that a call is worth. */
  readonly price: number;
}

/** Expected values for one order. */
export interface Cost {
  readonly loss: number;
  readonly calls: number;
  /** The ages of the looks until one finds the order settled, as ascending indices into the grid. */
  readonly places: readonly number[];
}

/** Makes the grid. A second must be a multiple of the step. */
export function gridOf(stepMs: number): Grid {
  const steps = SLOW_FROM_MS / stepMs;
  const agesMs = Float64Array.from({ length: steps + 2 }, (_, age) =>
    age > steps ? SLOW_MS : age * stepMs,
  );
  const unsettled = agesMs.map(unsettledAt);
  const settledMs = new Float64Array(agesMs.length);
  for (let age = 1; age < agesMs.length; age += 1) {
    // Exact for the last age as well, at which the slow orders settle all at once.
    const atEnd = age > steps ? at(unsettled, age - 1) : at(unsettled, age);
    const settled = 1 - (at(unsettled, age - 1) + atEnd) / 2;
    settledMs[age] = at(settledMs, age - 1) + settled * (at(agesMs, age) - at(agesMs, age - 1));
  }
  return { stepMs, agesMs, unsettled, settledMs };
}

/** The time for which orders have settled unseen, plus `extraMs` for each, in milliseconds. */
export function lagLoss({ agesMs, unsettled, settledMs }: Grid, extraMs: number): Loss {
  return (from, to) => {
    const before = at(unsettled, from);
    const spanMs = at(agesMs, to) - at(agesMs, from);
    const unseenMs = at(settledMs, to) - at(settledMs, from) - spanMs * (1 - before);
    return unseenMs + extraMs * (before - at(unsettled, to));
  };
}

/** The share of orders that have settled unseen for more than `limit` steps. */
export function lateLoss({ unsettled }: Grid, limit: number): Loss {
  const end = unsettled.length - 1;
  return (from, to) => {
    // A look that waits for the slow orders to settle sees all others late.
    const late = to === end ? end - 1 : to - limit;
    return late <= from ? 0 : at(unsettled, from) - at(unsettled, late);
  };
}

/** The schedule with the least loss + price · calls. The look that finally sees slow orders costs only `found`. */
export function cheapest({ grid, looks, apart, price }: Problem): Cost {
  const end = grid.agesMs.length - 1;
  const nothing = new Float64Array(end + 1);
  const ways = looks.map(({ loss, calls, found = nothing, first = nothing }) => ({
    loss,
    found,
    first,
    /** Per order: the calls for orders still in progress at the age, less what these would cost if settled. */
    more: calls.map((each, age) => (each - at(found, age)) * at(grid.unsettled, age)),
  }));
  // By the age of a look that found nothing: the cost of the rest of the schedule, its calls, and the next look.
  const sums = new Float64Array(end + 1);
  const calls = new Float64Array(end + 1);
  const nexts = new Int32Array(end + 1);

  /** Makes `to` the next look after `from` if that is the best so far. Returns false if no later look can be better. */
  function weigh(from: number, to: number): boolean {
    let isWorthwhile = false;
    const asked = at(grid.unsettled, from);
    for (const { loss, found, first, more } of ways) {
      const lost = loss(from, to);
      if (lost >= at(sums, from)) continue;
      isWorthwhile = true;
      const paid = asked * at(found, to) + at(more, to) + (from === 0 ? at(first, to) : 0);
      const sum = lost + price * paid + at(sums, to);
      if (sum >= at(sums, from)) continue;
      sums[from] = sum;
      calls[from] = paid + at(calls, to);
      nexts[from] = to;
    }
    return isWorthwhile;
  }

  for (let from = end - 1; from >= 0; from -= 1) {
    sums[from] = Number.POSITIVE_INFINITY;
    // The first look may come at once.
    let to = from === 0 ? 1 : firstAfter(from, apart, end);
    while (to <= end && weigh(from, to)) to += 1;
  }
  const places: number[] = [];
  for (let place = 0; place < end; ) {
    place = nexts[place] ?? end;
    places.push(place);
  }
  return { loss: at(sums, 0) - price * at(calls, 0), calls: at(calls, 0), places };
}

/** The first age allowed after `from`. A look at `SLOW_FROM_MS` stands for all later ones, so it is always allowed. */
function firstAfter(from: number, apart: number, end: number): number {
  return Math.min(from + apart, Math.max(from + 1, end - 1));
}

function at(values: Float64Array, index: number): number {
  return values[index] ?? 0;
}
