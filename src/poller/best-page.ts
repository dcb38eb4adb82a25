/** Which orders to ask for with one list: all that were created within a window of time, in the order of creation. */
import type { Order } from '../core/store.ts';

export interface Covered {
  readonly orderId: string;
  /** To the second where `order` is `undefined`. */
  readonly createdAt: number;
  /** Lag that seeing it is expected to bring to an end, in milliseconds. */
  readonly gainMs: number;
  /** What it adds to what a page is worth that shows it. */
  readonly worth: number;
  /** `undefined` for one that no call has shown us yet. */
  readonly order: Order | undefined;
}

export interface Page {
  /** Creation times, Unix milliseconds, both inclusive. */
  readonly from: number;
  readonly to: number;
  readonly covered: readonly Covered[];
}

export interface Room {
  /** Creation times of all orders that the log knows, settled ones too, the earliest first. */
  readonly known: readonly number[];
  /** That a page has room for. */
  readonly rows: number;
}

/** An id tells the creation to the second, and so may a row. */
const SECOND_MS = 1_000;

/**
 * Of all runs of neighbours that fit on a page, that of the largest value; `undefined` where there is none. A page
 * shows every order of its window, settled or not, those of the log and those that no call has shown yet.
 */
export function bestPage(
  coverable: readonly Covered[],
  { known, rows, worthOf }: Room & { readonly worthOf: (covered: Covered) => number },
): Page | undefined {
  const unseen = coverable.flatMap(({ order, createdAt }) =>
    order === undefined ? [createdAt] : [],
  );
  const rowsUntil = (moment: number) => countUntil(known, moment) + countUntil(unseen, moment);
  const ends = running(coverable.map((each) => rowsUntil(latestCreation(each))));
  const starts = coverable.map(({ createdAt }) => rowsUntil(createdAt - 1));
  const values = coverable.map(worthOf);
  let [first, last, most] = [0, 0, -1];
  let [start, value] = [0, 0];
  for (let end = 0; end < coverable.length; end += 1) {
    value += at(values, end);
    for (; start < end && at(ends, end) - at(starts, start) > rows; start += 1) {
      value -= at(values, start);
    }
    if (value > most) [first, last, most] = [start, end + 1, value];
  }
  return pageOf(coverable.slice(first, last));
}

function pageOf(covered: readonly Covered[]): Page | undefined {
  const [first] = covered;
  if (first === undefined) return undefined;
  const to = covered.reduce((latest, each) => Math.max(latest, latestCreation(each)), 0);
  return { from: first.createdAt - 1, to, covered };
}

/** A time that is told to the second only may be any of that second. */
function latestCreation({ createdAt }: Covered): number {
  return createdAt % SECOND_MS === 0 ? createdAt + SECOND_MS - 1 : createdAt + 1;
}

/** How many of these ascending times are at or before a moment. */
function countUntil(times: readonly number[], moment: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(times, middle) <= moment) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The largest value up to each index. */
function running(values: readonly number[]): readonly number[] {
  let most = Number.NEGATIVE_INFINITY;
  return values.map((value) => {
    most = Math.max(most, value);
    return most;
  });
}

function at(numbers: readonly number[], index: number): number {
  return numbers[index] ?? 0;
}
