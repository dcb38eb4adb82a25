import type { SettlingTimes } from './settling.ts';

/**
 * What the next check of one order is worth by itself: the price of a call at which it makes no difference
 * whether it is asked now or a moment later, all later checks being made at their best times. That is Whittle's
 * index of the order. Unlike the lag that a check ends, it knows that one which finds nothing must be followed
 * by another: where most orders are about to settle, it waits for them (docs/polling.md).
 *
 * For one price, the best times are those of Barlow, Hunter and Proschan's inspection problem, found backwards
 * over a grid of ages; the index is read off which check is the best next one at which price. All durations are
 * milliseconds.
 */

const SECOND_MS = 1_000;
const DAY_MS = 24 * 3_600 * SECOND_MS;

/** Ages: even steps while orders are young, then each so much more. */
const STEP_MS = SECOND_MS / 2;
const EVEN_UNTIL_MS = 60 * SECOND_MS;
const GROWTH = 1.25;
const LAST_MS = 8 * DAY_MS;

/** Prices that are tried: what is worth less, or more, is not told apart. */
const LOWEST_PRICE_MS = 1;
const HIGHEST_PRICE_MS = 60 * SECOND_MS;
const PRICE_STEP = 1.1;

/** An array as the others are, so that one way of reading them all is compiled. */
const AGES = Float64Array.from(agesOfGrid());

export class Worth {
  /** Of orders last checked at this age or later it tells nothing. */
  readonly untilMs = EVEN_UNTIL_MS;
  /** Of the times as they were known when this was made. */
  readonly #curve: Curve;
  /**
   * By the age of the last check, then by age now: both are places in the grid. Made when first asked for, since it
   * takes long, and a gateway that starts may have no order to check.
   */
  #table: readonly Float32Array[] | undefined;

  constructor(times: SettlingTimes) {
    this.#curve = curveOf(times);
  }

  /**
   * Of a check at `ageMs`, after one at `checkedMs` that found the order in progress; 0 for an old order, of
   * which the lag that a check ends tells as much.
   */
  priceMs({ checkedMs, ageMs }: { readonly checkedMs: number; readonly ageMs: number }): number {
    if (checkedMs >= this.untilMs) return 0;
    const checked = Math.floor(placeOf(checkedMs));
    this.#table ??= tableOf(this.#curve);
    const row = this.#table[checked];
    // As long after the last check as it is, which was a little later than its place in the grid.
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

/** Between two ages of the grid, the part of the way. */
function placeOf(ageMs: number): number {
  const age = Math.max(0, ageMs);
  const place =
    age < EVEN_UNTIL_MS
      ? age / STEP_MS
      : EVEN_UNTIL_MS / STEP_MS + Math.log(age / EVEN_UNTIL_MS) / Math.log(GROWTH);
  return Math.min(place, AGES.length - 1);
}

function tableOf(curve: Curve): readonly Float32Array[] {
  const table = Array.from(AGES, () => new Float32Array(AGES.length).fill(HIGHEST_PRICE_MS));
  // From dear to cheap: whoever is checked at a price is so at any lower one, and no later.
  for (let price = HIGHEST_PRICE_MS; price >= LOWEST_PRICE_MS; price /= PRICE_STEP) {
    for (const [checked, next] of bestNext(curve, price).entries()) {
      // Before its best next check, an order is worth less than the price.
      table[checked]?.fill(price, 0, next);
    }
  }
  return table;
}

interface Curve {
  /** By age: the part of the orders that is in progress, and for how long an order has been settled. */
  readonly unsettled: Float64Array;
  readonly settledMs: Float64Array;
}

function curveOf(times: SettlingTimes): Curve {
  const unsettled = new Float64Array(AGES.length).fill(1);
  const settledMs = new Float64Array(AGES.length);
  for (let place = 1; place < AGES.length; place += 1) {
    const ageMs = at(AGES, place - 1);
    const delayMs = at(AGES, place) - ageMs;
    const before = at(unsettled, place - 1);
    unsettled[place] = before * times.unsettled({ ageMs, delayMs });
    const lagMs = times.expectedLagMs({ ageMs, delayMs });
    settledMs[place] = at(settledMs, place - 1) + (1 - before) * delayMs + before * lagMs;
  }
  return { unsettled, settledMs };
}

/** By the age of a check that found nothing: when the next one is best made at this price. */
function bestNext({ unsettled, settledMs }: Curve, price: number): Int16Array {
  const last = AGES.length - 1;
  const costs = new Float64Array(AGES.length);
  const nexts = new Int16Array(AGES.length).fill(last);
  for (let from = last - 1; from >= 0; from -= 1) {
    const settled = at(settledMs, from);
    const age = at(AGES, from);
    const known = 1 - at(unsettled, from);
    let least = Number.POSITIVE_INFINITY;
    for (let to = from + 1; to <= last; to += 1) {
      const lostMs = at(settledMs, to) - settled - (at(AGES, to) - age) * known;
      if (lostMs >= least) break;
      // The call that finds an order settled is made in any case, and not counted.
      const cost = lostMs + price * at(unsettled, to) + at(costs, to);
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
