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
  0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 21, 25, 30, 35, 40, 45, 50, 60, 80, 120, 180, 300, 600,
  900, 1_800, 3_600, 14_400,
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
  /** By bin, made anew once something was learned. */
  #hazards: readonly number[] | undefined;

  /** From settled orders alone, each of them reached the bins before its own. */
  constructor(settled: readonly number[] = [], reached: readonly number[] = sumsFrom(settled)) {
    this.#settled = BINS.map((_, index) => settled[index] ?? 0);
    this.#reached = BINS.map((_, index) => reached[index] ?? 0);
  }

  /** Orders that settled, by bin. */
  get counts(): readonly number[] {
    return this.#settled;
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
    this.#hazards = undefined;
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
    let delayMs = mostMs;
    for (const piece of this.#pieces(ageMs, mostMs)) {
      if (lagAfter(piece, piece.lengthMs) < priceMs) continue;
      delayMs = piece.fromMs + whenLagIs(priceMs, piece);
      break;
    }
    return Math.round(Math.min(Math.max(delayMs, leastMs), mostMs));
  }

  /** L(a, d) of the above: the lag that a check after `delayMs` is expected to bring to an end. */
  expectedLagMs({ ageMs, delayMs }: { readonly ageMs: number; readonly delayMs: number }): number {
    let lagMs = 0;
    for (const piece of this.#pieces(ageMs, delayMs)) lagMs = lagAfter(piece, piece.lengthMs);
    return lagMs;
  }

  /** Of the orders in progress at an age, the part that still is some time later. */
  unsettled({ ageMs, delayMs }: { readonly ageMs: number; readonly delayMs: number }): number {
    let part = 1;
    for (const piece of this.#pieces(ageMs, delayMs)) {
      part = piece.unsettled * Math.exp(-piece.hazard * piece.lengthMs);
    }
    return part;
  }

  /** The time after a check, in pieces of one bin each. */
  *#pieces(fromAgeMs: number, untilMs: number): Generator<Piece> {
    let [fromMs, lagMs, unsettled] = [0, 0, 1];
    const startMs = Math.max(0, fromAgeMs);
    for (let index = binAt(startMs); fromMs < untilMs; index += 1) {
      // The last bin goes on for ever.
      const endMs = BINS[index + 1]?.startMs ?? Number.POSITIVE_INFINITY;
      const lengthMs = Math.min(endMs - startMs, untilMs) - fromMs;
      const piece = { fromMs, lengthMs, hazard: this.#hazardOf(index), unsettled, lagMs };
      yield piece;
      fromMs += lengthMs;
      lagMs = lagAfter(piece, lengthMs);
      unsettled *= Math.exp(-piece.hazard * lengthMs);
    }
  }

  /** Settled per millisecond, of those that reached the bin. */
  #hazardOf(index: number): number {
    this.#hazards ??= BINS.map(({ startMs, endMs }, n) => {
      const reached = (this.#reached[n] ?? 0) + (PRIOR_REACHED[n] ?? 0);
      const settled = (this.#settled[n] ?? 0) + (PRIOR[n] ?? 0);
      if (reached === 0) return 0;
      // The constant hazard that leaves over, at the end of the bin, what did not settle.
      return -Math.log(Math.max(1 - settled / reached, LEAST_LEFT)) / (endMs - startMs);
    });
    return this.#hazards[index] ?? 0;
  }
}

/** However many settled in a bin, so many of them might not have. */
const LEAST_LEFT = 1 / 1_000;

/** A time with a constant hazard. */
interface Piece {
  /** Since the last check. */
  readonly fromMs: number;
  readonly lengthMs: number;
  readonly hazard: number;
  /** At its start: the part that is in progress, and the lag so far. */
  readonly unsettled: number;
  readonly lagMs: number;
}

function lagAfter({ hazard, unsettled, lagMs }: Piece, passedMs: number): number {
  const inProgressMs = hazard === 0 ? passedMs : -Math.expm1(-hazard * passedMs) / hazard;
  return lagMs + passedMs - unsettled * inProgressMs;
}

const BISECTIONS = 30;

function whenLagIs(wantedMs: number, piece: Piece): number {
  let [low, high] = [0, piece.lengthMs];
  for (let step = 0; step < BISECTIONS; step += 1) {
    const middle = (low + high) / 2;
    if (lagAfter(piece, middle) < wantedMs) low = middle;
    else high = middle;
  }
  return high;
}

function binAt(ageMs: number): number {
  const index = BINS.findIndex(({ endMs }) => ageMs < endMs);
  return index === -1 ? BINS.length - 1 : index;
}

/** Of each bin and all after it. */
function sumsFrom(counts: readonly number[]): readonly number[] {
  return counts.map((_, index) => counts.slice(index).reduce((sum, count) => sum + count, 0));
}
