import { HOUR_MS, SECOND_MS } from './durations.ts';
import type { SettlingTimes } from './settling.ts';

/**
 * What the next check of one order is worth by itself: the price of a call at which it makes no difference whether
 * the order is checked now or a moment later, if all later checks are made at their best times. That is the order's
 * Whittle index. Unlike the lag that a check ends, the index accounts for the further check that must follow a check
 * that finds nothing: shortly before most orders settle, it is worth waiting for them to do so (docs/polling.md).
 *
 * At a given price, the best times are the solution of Barlow, Hunter and Proschan's inspection problem, computed
 * backwards over a grid of ages. The index follows from the best next check at each of a series of prices. All
 * durations are milliseconds.
 */

const DAY_MS = 24 * HOUR_MS;

/** The grid of ages: even steps up to `EVEN_UNTIL_MS`, then each age `GROWTH` times the previous one. */
const STEP_MS = SECOND_MS / 2;
const EVEN_UNTIL_MS = 60 * SECOND_MS;
const GROWTH = 1.25;
const LAST_MS = 8 * DAY_MS;

/** The range of prices that are tried: values beyond it are not told apart. */
const LOWEST_PRICE_MS = 1;
const HIGHEST_PRICE_MS = 60 * SECOND_MS;
const PRICE_STEP = 1.1;

/** Of the same type as the other arrays, so that V8 compiles `at` for one type only. */
const AGES = Float64Array.from(agesOfGrid());

export class Worth {
  /** By age: the share of orders still in progress, by the settling times as they were at construction. */
  readonly #unsettled: Float64Array;
  /**
   * Prices by the age at the last check, then by the present age; both are indices into the grid. Computed at first
   * use, since it takes long and a gateway that starts may have no order to check.
   */
  #table: readonly Float32Array[] | undefined;

  constructor(times: SettlingTimes) {
    this.#unsettled = shareInProgress(times);
  }

  /**
   * What a check at `ageMs` is worth, after one at `checkedMs` that found the order in progress. 0 for an order that
   * was last checked at the age of a minute or later: there, the lag that a check ends is as good a measure.
   */
  priceMs({ checkedMs, ageMs }: { readonly checkedMs: number; readonly ageMs: number }): number {
    if (checkedMs >= EVEN_UNTIL_MS) return 0;
    const checked = Math.floor(placeOf(checkedMs));
    this.#table ??= tableOf(this.#unsettled);
    const row = this.#table[checked];
    // Keep the time since the last check, which was a little later than its place in the grid.
    const place = placeOf(ageMs - (Math.max(0, checkedMs) - at(AGES, checked)));
    const before = Math.floor(place);
    const part = place - before;
    return (row?.[before] ?? 0) * (1 - part) + (row?.[before + 1] ?? HIGHEST_PRICE_MS) * part;
  }
}

function agesOfGrid(): readonly number[] {
  const ages: number[] = [];
  for (let age = 0; age < EVEN_UNTIL_MS; age += STEP_MS) ages.push(age);
  for (let age = EVEN_UNTIL_MS; age < LAST_MS; age *= GROWTH) ages.push(age);
  return ages;
}

/** The index of an age in the grid; fractional between two ages. */
function placeOf(ageMs: number): number {
  const age = Math.max(0, ageMs);
  const place =
    age < EVEN_UNTIL_MS
      ? age / STEP_MS
      : EVEN_UNTIL_MS / STEP_MS + Math.log(age / EVEN_UNTIL_MS) / Math.log(GROWTH);
  return Math.min(place, AGES.length - 1);
}

function tableOf(unsettled: Float64Array): readonly Float32Array[] {
  const table = Array.from(AGES, () => new Float32Array(AGES.length).fill(HIGHEST_PRICE_MS));
  // From the highest price down: an order that is checked at a price is checked no later at any lower one.
  for (let price = HIGHEST_PRICE_MS; price >= LOWEST_PRICE_MS; price /= PRICE_STEP) {
    for (const [checked, next] of bestNext(unsettled, price).entries()) {
      // Until the best next check at this price, a check is worth at most the price.
      table[checked]?.fill(price, 0, next);
    }
  }
  return table;
}

/** By age: the share of orders still in progress. */
function shareInProgress(times: SettlingTimes): Float64Array {
  const unsettled = new Float64Array(AGES.length).fill(1);
  for (let place = 1; place < AGES.length; place += 1) {
    const ageMs = at(AGES, place - 1);
    const delayMs = at(AGES, place) - ageMs;
    unsettled[place] = at(unsettled, place - 1) * times.unsettled({ ageMs, delayMs });
  }
  return unsettled;
}

/** For each age at a check that found nothing: the age at which the next check is best made at this price. */
function bestNext(unsettled: Float64Array, price: number): Int16Array {
  const last = AGES.length - 1;
  const costs = new Float64Array(AGES.length);
  const nexts = new Int16Array(AGES.length).fill(last);
  for (let from = last - 1; from >= 0; from -= 1) {
    const age = at(AGES, from);
    const known = 1 - at(unsettled, from);
    let least = Number.POSITIVE_INFINITY;
    for (let to = from + 1; to <= last; to += 1) {
      // No check changes for how long an order is settled. So the lag is least where that is known for the longest.
      const knownMs = (at(AGES, to) - age) * known;
      // The call that finds the order settled is made in any case, so it costs nothing here.
      const cost = price * at(unsettled, to) + at(costs, to) - knownMs;
      if (cost >= least) continue;
      least = cost;
      nexts[from] = to;
    }
    costs[from] = least;
  }
  return nexts;
}

function at(values: Float64Array, index: number): number {
  return values[index] ?? 0;
}
