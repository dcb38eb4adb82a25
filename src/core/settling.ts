/**
 * How long orders take to settle, learned from settled orders, and when the next check is therefore worth a call.
 *
 * An order was in progress at its last check, at age `a`. If it settles at an age T < a + d, and the next check
 * comes `d` after the last one, then that check ends a lag of (a + d - T). The expected lag that a check after `d`
 * ends is
 *
 *     L(a, d) = ∫₀ᵈ P(T ≤ a + u | T > a) du
 *
 * A check is worth its call once L has grown to the `price` of a call. For a hazard h that is nearly constant
 * over d, this means d = √(2·price / h): the rate of checks is proportional to the square root of the hazard,
 * which is Keller's optimum for costly inspections (docs/polling.md). All ages and durations are milliseconds.
 */
import { SECOND_MS } from './durations.ts';

/** The lower bounds of the age bins, in seconds: narrow where orders are likely to settle. */
const BIN_STARTS_SECONDS = [
  0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 21, 25, 30, 35, 40, 45, 50, 60, 80, 120, 180, 240, 300,
  450, 600, 660, 750, 900, 1_200, 1_800, 3_600, 14_400,
] as const;
const LAST_BIN_END_SECONDS = 7 * 24 * 3_600;

/** The upstream states 3 to 45 s. This statement, the prior, weighs as much as this many observed orders. */
const PRIOR_WEIGHT = 20;
const STATED_FROM_SECONDS = 3;
const STATED_TO_SECONDS = 45;
/** The share of the prior that takes longer than stated. */
const PRIOR_TAIL = 0.05;

/** Once this many settled orders are counted, all counts are halved, so that recent orders weigh more than old ones. */
const MOST_COUNTED = 2_000;

interface Bin {
  readonly startMs: number;
  readonly endMs: number;
}

const BINS: readonly Bin[] = BIN_STARTS_SECONDS.map((start, index) => ({
  startMs: start * SECOND_MS,
  endMs: (BIN_STARTS_SECONDS[index + 1] ?? LAST_BIN_END_SECONDS) * SECOND_MS,
}));

const PRIOR: readonly number[] = BINS.map(({ startMs, endMs }) => {
  const start = startMs / SECOND_MS;
  const end = endMs / SECOND_MS;
  const within = Math.min(end, STATED_TO_SECONDS) - Math.max(start, STATED_FROM_SECONDS);
  const stated = Math.max(0, within) / (STATED_TO_SECONDS - STATED_FROM_SECONDS);
  const from = Math.max(start, STATED_TO_SECONDS);
  const tail =
    end <= from ? 0 : Math.log(end / from) / Math.log(LAST_BIN_END_SECONDS / STATED_TO_SECONDS);
  return PRIOR_WEIGHT * ((1 - PRIOR_TAIL) * stated + PRIOR_TAIL * tail);
});

const PRIOR_REACHED = sumsFrom(PRIOR);

/** In place of an earlier age: the order has not been counted before. */
const WHOLE_RANGE = -1;

/** The counts of each bin, for keeping across restarts. */
export interface Counted {
  readonly settled: readonly number[];
  /** Orders that were still in progress when they reached the bin, settled since or not. */
  readonly reached: readonly number[];
}

/** The ages at which orders of one kind settled. Takes a few hundred bytes, however many orders it has counted. */
export class SettlingTimes {
  #settled: number[];
  #reached: number[];
  /** Cached; cleared with each new count. */
  #known: Curve | undefined;

  /** `reached` defaults to the bins that the settled orders themselves must have reached. */
  constructor(settled: readonly number[] = [], reached: readonly number[] = sumsFrom(settled)) {
    this.#settled = BINS.map((_, index) => settled[index] ?? 0);
    this.#reached = BINS.map((_, index) => reached[index] ?? 0);
  }

  get counted(): Counted {
    return { settled: this.#settled, reached: this.#reached };
  }

  /** Counts an order that settled after `durationMs` in progress. It was last counted at the age `notedMs`. */
  add(durationMs: number, notedMs = WHOLE_RANGE): void {
    const index = binAt(Math.max(0, durationMs));
    this.inProgress(durationMs, notedMs);
    this.#settled[index] = (this.#settled[index] ?? 0) + 1;
    const seen = this.#settled.reduce((sum, count) => sum + count, 0);
    if (seen < MOST_COUNTED) return;
    this.#settled = this.#settled.map((count) => count / 2);
    this.#reached = this.#reached.map((count) => count / 2);
  }

  /** Counts an order that is still in progress at `ageMs`. It was last counted at the age `notedMs`. */
  inProgress(ageMs: number, notedMs = WHOLE_RANGE): void {
    const first = notedMs < 0 ? 0 : binAt(notedMs) + 1;
    for (let index = first; index <= binAt(Math.max(0, ageMs)); index += 1) {
      this.#reached[index] = (this.#reached[index] ?? 0) + 1;
    }
    this.#known = undefined;
  }

  /**
   * How long after a check at `ageMs` the next check is expected to end a lag of `priceMs`, and so is worth its
   * call. In milliseconds, between `leastMs` and `mostMs`.
   */
  delayMs(query: {
    readonly ageMs: number;
    readonly priceMs: number;
    readonly leastMs: number;
    readonly mostMs: number;
  }): number {
    const { ageMs, priceMs, leastMs, mostMs } = query;
    let [low, high] = [leastMs, mostMs];
    while (high - low > PRECISION_MS) {
      const delayMs = (low + high) / 2;
      if (this.expectedLagMs({ ageMs, delayMs }) < priceMs) low = delayMs;
      else high = delayMs;
    }
    return Math.round(high);
  }

  /** L(a, d) as defined above: the lag, in milliseconds, that a check after `delayMs` is expected to end. */
  expectedLagMs({ ageMs, delayMs }: Wait): number {
    const [start, end] = [this.#curve.at(ageMs), this.#curve.at(ageMs + delayMs)];
    return Math.max(0, delayMs - (end.inProgressMs - start.inProgressMs) / start.unsettled);
  }

  /** Of the orders in progress at `ageMs`, the share that is still in progress `delayMs` later. */
  unsettled({ ageMs, delayMs }: Wait): number {
    return this.#curve.at(ageMs + delayMs).unsettled / this.#curve.at(ageMs).unsettled;
  }

  get #curve(): Curve {
    this.#known ??= new Curve(
      BINS.map((_, index) => {
        const reached = (this.#reached[index] ?? 0) + (PRIOR_REACHED[index] ?? 0);
        const settled = (this.#settled[index] ?? 0) + (PRIOR[index] ?? 0);
        return reached === 0 ? 1 : Math.max(1 - settled / reached, LEAST_LEFT);
      }),
    );
    return this.#known;
  }
}

/** The age at a check, and the delay until the next check. */
interface Wait {
  readonly ageMs: number;
  readonly delayMs: number;
}

/** A lower bound on the share of orders still in progress at the end of a bin, even if all observed orders settled. */
const LEAST_LEFT = 1 / 1_000;

const PRECISION_MS = 0.5;

interface Point {
  /** The share of all orders that is still in progress at this age. */
  readonly unsettled: number;
  /** The average time that an order has been in progress up to this age. */
  readonly inProgressMs: number;
}

/** The share of all orders that is still in progress, by age; linear within each bin. */
class Curve {
  readonly #starts: readonly Point[];

  /** `left`: for each bin, the share of the orders reaching it that is still in progress at its end. */
  constructor(left: readonly number[]) {
    let point: Point = { unsettled: 1, inProgressMs: 0 };
    const starts = [point];
    for (const [index, { startMs, endMs }] of BINS.entries()) {
      const unsettled = point.unsettled * (left[index] ?? 1);
      const inProgressMs =
        point.inProgressMs + ((point.unsettled + unsettled) / 2) * (endMs - startMs);
      point = { unsettled, inProgressMs };
      starts.push(point);
    }
    this.#starts = starts;
  }

  at(ageMs: number): Point {
    const index = binAt(Math.max(0, ageMs));
    const [start, end] = [this.#starts[index], this.#starts[index + 1]];
    const bin = BINS[index];
    if (start === undefined || end === undefined || bin === undefined) throw new RangeError();
    const passedMs = Math.min(Math.max(0, ageMs), bin.endMs) - bin.startMs;
    const part = passedMs / (bin.endMs - bin.startMs);
    const unsettled = start.unsettled + (end.unsettled - start.unsettled) * part;
    // Nothing is known beyond the last bin: an order still in progress there is taken to stay so.
    const beyondMs = Math.max(0, ageMs - bin.endMs);
    const inProgressMs =
      start.inProgressMs + ((start.unsettled + unsettled) / 2) * passedMs + unsettled * beyondMs;
    return { unsettled, inProgressMs };
  }
}

function binAt(ageMs: number): number {
  const index = BINS.findIndex(({ endMs }) => ageMs < endMs);
  return index === -1 ? BINS.length - 1 : index;
}

/** For each bin, the sum of its count and of those of all later bins. */
function sumsFrom(counts: readonly number[]): readonly number[] {
  return counts.map((_, index) => counts.slice(index).reduce((sum, count) => sum + count, 0));
}
