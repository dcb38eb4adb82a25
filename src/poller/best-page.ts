/** Chooses the window of creation time that one list call asks for. */
import { SECOND_MS } from '../core/durations.ts';
import type { Order, Window } from '../core/store.ts';

/** An order that a list could show. */
export interface Covered {
  readonly orderId: string;
  /** Unix milliseconds; exact only to the second if `order` is `undefined`. */
  readonly createdAt: number;
  /** The lag that a look at the order is expected to end, in milliseconds. */
  readonly gainMs: number;
  /** What the order adds to the worth of a page that shows it. */
  readonly worth: number;
  /** `undefined` for an order that no call has shown yet. */
  readonly order: Order | undefined;
}

export interface Page extends Window {
  readonly covered: readonly Covered[];
}

export interface Room {
  /** Creation times of all orders in the log, settled ones too, the earliest first. */
  readonly known: readonly number[];
  /** How many orders fit on a page. */
  readonly rows: number;
}

/**
 * Of all runs of neighbouring orders that fit on a page, the run of the largest total value; `undefined` if there is
 * none. `coverable` must be sorted by creation time. A page shows every order of its window: settled or not, in the
 * log or not yet shown by any call.
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

/**
 * A creation time that is exact only to the second may lie anywhere within that second: an id gives no more, and a
 * list's row may do no better.
 */
function latestCreation({ createdAt }: Covered): number {
  return createdAt % SECOND_MS === 0 ? createdAt + SECOND_MS - 1 : createdAt + 1;
}

/** How many of the ascending `times` are at or before `moment`. */
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
