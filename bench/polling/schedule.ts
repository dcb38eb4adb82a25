/**
 * The cheapest schedule of looks at one order, by dynamic programming over its age. Exact on the grid;
 * docs/lower-bound.md says why no schedule off the grid is better by more than a step.
 */
import { LONGEST_MS, SLOW_MS, unsettledAt } from './workload.ts';

/** From here on only slow orders are in progress, and nothing settles until they do. */
export const SLOW_FROM_MS = LONGEST_MS + 1_000;

/** Ages at which an order may be looked at: even steps up to `SLOW_FROM_MS`, then the end of the slow ones. */
export interface Grid {
  readonly stepMs: number;
  readonly agesMs: Float64Array;
  /** By age: the part of the orders that are in progress. */
  readonly unsettled: Float64Array;
  /** By age: for how many milliseconds an order has been settled, on average. */
  readonly settledMs: Float64Array;
}

/**
 * What it costs that orders settle between two ages (places in the grid) and are seen at the second:
 * the loss of one, times the part that does. Never falls as the second age grows.
 */
export type Loss = (from: number, to: number) => number;

/** One way to look at an order. */
export interface Look {
  readonly loss: Loss;
  /** By age: calls that a look costs which finds the order in progress. */
  readonly calls: Float64Array;
  /** By age: the same, where it finds the order settled; none where those are counted elsewhere. */
  readonly found?: Float64Array;
  /** By age: what it costs besides where it is the first. */
  readonly first?: Float64Array;
}

export interface Problem {
  readonly grid: Grid;
  readonly looks: readonly Look[];
  /** Looks are at least so many steps apart. */
  readonly apart: number;
  /** Loss that a call is worth. */
  readonly price: number;
}

/** Expected values for one order. */
export interface Cost {
  readonly loss: number;
  readonly calls: number;
  /** Ages of the looks, as long as none finds it settled: places in the grid, the first one first. */
  readonly places: readonly number[];
}

/** A second must be a multiple of the step. */
export function gridOf(stepMs: number): Grid {
  const steps = SLOW_FROM_MS / stepMs;
  const agesMs = Float64Array.from({ length: steps + 2 }, (_, age) =>
    age > steps ? SLOW_MS : age * stepMs,
  );
  const unsettled = agesMs.map(unsettledAt);
  const settledMs = new Float64Array(agesMs.length);
  for (let age = 1; age < agesMs.length; age += 1) {
    // Right to the last age, where what was in progress settles at that moment.
    const atEnd = age > steps ? at(unsettled, age - 1) : at(unsettled, age);
    const settled = 1 - (at(unsettled, age - 1) + atEnd) / 2;
    settledMs[age] = at(settledMs, age - 1) + settled * (at(agesMs, age) - at(agesMs, age - 1));
  }
  return { stepMs, agesMs, unsettled, settledMs };
}

/** The milliseconds that orders lie unseen, and `extraMs` for each. */
export function lagLoss({ agesMs, unsettled, settledMs }: Grid, extraMs: number): Loss {
  return (from, to) => {
    const before = at(unsettled, from);
    const spanMs = at(agesMs, to) - at(agesMs, from);
    const unseenMs = at(settledMs, to) - at(settledMs, from) - spanMs * (1 - before);
    return unseenMs + extraMs * (before - at(unsettled, to));
  };
}

/** The part of the orders that lie unseen for more than `limit` steps. */
export function lateLoss({ unsettled }: Grid, limit: number): Loss {
  const end = unsettled.length - 1;
  return (from, to) => {
    // Whoever waits for the end of the slow ones sees all others late.
    const late = to === end ? end - 1 : to - limit;
    return late <= from ? 0 : at(unsettled, from) - at(unsettled, late);
  };
}

/** The schedule of least loss + price · calls. Slow orders are seen in the end, for nothing but what `found` says. */
export function cheapest({ grid, looks, apart, price }: Problem): Cost {
  const end = grid.agesMs.length - 1;
  const nothing = new Float64Array(end + 1);
  const ways = looks.map(({ loss, calls, found = nothing, first = nothing }) => ({
    loss,
    found,
    first,
    /** Of all that reach the age, what those cost that are in progress, less what they would cost settled. */
    more: calls.map((each, age) => (each - at(found, age)) * at(grid.unsettled, age)),
  }));
  // By the age of a look that found nothing, what the rest comes to, and when the next look is.
  const sums = new Float64Array(end + 1);
  const calls = new Float64Array(end + 1);
  const nexts = new Int32Array(end + 1);

  /** Takes a look at `to` as the next after `from` where that is best; false where no later one can be. */
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
    // The first look may be at once.
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

/** A look at `SLOW_FROM_MS` stands for all later ones, so it may always follow. */
function firstAfter(from: number, apart: number, end: number): number {
  return Math.min(from + apart, Math.max(from + 1, end - 1));
}

function at(values: Float64Array, index: number): number {
  return values[index] ?? 0;
}
