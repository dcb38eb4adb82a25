/**
 * How long orders take to settle, learned from those that did, and what that says of when to ask again.
 *
 * An order was in progress at its last check, at age `a`. If it settles at an age T, and is asked again
 * `d` later, it has lain unseen for (a + d - T) if T < a + d. The expectation of that is the lag that a
 * check after `d` brings to an end:
 *
 *     L(a, d) = ∫₀ᵈ P(T ≤ a + u | T > a) du
 *
 * A check is worth its call once L has grown to the `price` of a call. For a hazard h that is nearly
 * constant over d this means d = √(2·price / h): checks as dense as the root of the hazard, which is
 * Keller's optimum for a costly inspection (docs/polling.md). All ages and durations are milliseconds.
 */

const SECOND_MS = 1_000;

/** Where the bins of ages begin, in seconds: narrow where orders are likely to settle. */
const BIN_STARTS_SECONDS = [
  0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 21, 25, 30, 35, 40, 45, 50, 60, 80, 120, 180, 240, 300,
  450, 600, 660, 750, 900, 1_200, 1_800, 3_600, 14_400,
] as const;
const LAST_BIN_END_SECONDS = 7 * 24 * 3_600;

/** The upstream states 3 to 45 s. What it states weighs as much as this many orders seen. */
const PRIOR_WEIGHT = 20;
const STATED_FROM_SECONDS = 3;
const STATED_TO_SECONDS = 45;
/** Of what is expected before anything was seen: the part that takes longer than stated. */
const PRIOR_TAIL = 0.05;

/** Old orders say less of today: from this many on, all counts are halved. */
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

/** Not noted before. */
const WHOLE_RANGE = -1;

/** What was counted, bin by bin; for keeping across restarts. */
export interface Counted {
  readonly settled: readonly number[];
  /** Orders that were in progress when they reached the bin, whatever became of them. */
  readonly reached: readonly number[];
}

/** Ages at which orders of one kind settled. A few hundred bytes, however many orders. */
export class SettlingTimes {
  #settled: number[];
  #reached: number[];
  /** Made anew once something was learned. */
  #known: Curve | undefined;

  /** From settled orders alone, each of them reached the bins before its own. */
  constructor(settled: readonly number[] = [], reached: readonly number[] = sumsFrom(settled)) {
    this.#settled = BINS.map((_, index) => settled[index] ?? 0);
    this.#reached = BINS.map((_, index) => reached[index] ?? 0);
  }

  get counted(): Counted {
    return { settled: this.#settled, reached: this.#reached };
  }

  /** An order was in progress for so long, and then settled. It was last noted at the age `notedMs`. */
  add(durationMs: number, notedMs = WHOLE_RANGE): void {
    const index = binAt(Math.max(0, durationMs));
    this.inProgress(durationMs, notedMs);
    this.#settled[index] = (this.#settled[index] ?? 0) + 1;
    const seen = this.#settled.reduce((sum, count) => sum + count, 0);
    if (seen < MOST_COUNTED) return;
    this.#settled = this.#settled.map((count) => count / 2);
    this.#reached = this.#reached.map((count) => count / 2);
  }

  /** An order is in progress at this age. It was last noted, here or in `add`, at the age `notedMs`. */
  inProgress(ageMs: number, notedMs = WHOLE_RANGE): void {
    const first = notedMs < 0 ? 0 : binAt(notedMs) + 1;
    for (let index = first; index <= binAt(Math.max(0, ageMs)); index += 1) {
      this.#reached[index] = (this.#reached[index] ?? 0) + 1;
    }
    this.#known = undefined;
  }

  /**
   * How long after a check at `ageMs` the next one is worth `priceMs`: the expected lag that a call must
   * bring to an end to be made. Between `leastMs` and `mostMs`.
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

  /** L(a, d) of the above: the lag that a check after `delayMs` is expected to bring to an end. */
  expectedLagMs({ ageMs, delayMs }: Wait): number {
    const [start, end] = [this.#curve.at(ageMs), this.#curve.at(ageMs + delayMs)];
    return Math.max(0, delayMs - (end.inProgressMs - start.inProgressMs) / start.unsettled);
  }

  /** Of the orders in progress at an age, the part that still is some time later. */
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

/** A check at an age, and the next one. */
interface Wait {
  readonly ageMs: number;
  readonly delayMs: number;
}

/** However many settled in a bin, so many of them might not have. */
const LEAST_LEFT = 1 / 1_000;

const PRECISION_MS = 0.5;

interface Point {
  /** The part of all orders that is in progress at an age. */
  readonly unsettled: number;
  /** How long an order has been in progress until then, on average. */
  readonly inProgressMs: number;
}

/** The part of all orders that is in progress, by age: straight within each bin. */
class Curve {
  readonly #starts: readonly Point[];

  /** Of those that reach each bin, the part that is still in progress at its end. */
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
    // Beyond the last bin nothing more is known: whatever is in progress stays so.
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

/** Of each bin and all after it. */
function sumsFrom(counts: readonly number[]): readonly number[] {
  return counts.map((_, index) => counts.slice(index).reduce((sum, count) => sum + count, 0));
}
