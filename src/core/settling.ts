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

/** Ages at which orders of one kind settled. A few hundred bytes, however many orders. */
export class SettlingTimes {
  #counts: number[];
  /** By bin, made anew once something was learned. */
  #hazards: readonly number[] | undefined;

  constructor(counts: readonly number[] = []) {
    this.#counts = BINS.map((_, index) => counts[index] ?? 0);
  }

  /** For keeping across restarts; takes what the constructor gave. */
  get counts(): readonly number[] {
    return this.#counts;
  }

  /** An order was in progress for so long, and then settled. */
  add(durationMs: number): void {
    const index = binAt(Math.max(0, durationMs));
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#hazards = undefined;
    const seen = this.#counts.reduce((sum, count) => sum + count, 0);
    if (seen >= MOST_COUNTED) this.#counts = this.#counts.map((count) => count / 2);
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
    for (const step of this.#steps(ageMs, mostMs)) {
      if (step.lagMs < priceMs) continue;
      const gainedMs = step.lagMs - step.lagBeforeMs;
      const part = gainedMs === 0 ? 0 : (priceMs - step.lagBeforeMs) / gainedMs;
      delayMs = step.fromMs + part * (step.toMs - step.fromMs);
      break;
    }
    return Math.round(Math.min(Math.max(delayMs, leastMs), mostMs));
  }

  /** L(a, d) of the above: the lag that a check after `delayMs` is expected to bring to an end. */
  expectedLagMs({ ageMs, delayMs }: { readonly ageMs: number; readonly delayMs: number }): number {
    let lagMs = 0;
    for (const step of this.#steps(ageMs, delayMs)) lagMs = step.lagMs;
    return lagMs;
  }

  /** L, step by step: within a step the hazard is constant and the step short, so a trapezoid will do. */
  *#steps(fromAgeMs: number, untilMs: number): Generator<Step> {
    let ageMs = Math.max(0, fromAgeMs);
    let fromMs = 0;
    let lagBeforeMs = 0;
    let unsettled = 1;
    while (fromMs < untilMs) {
      const hazard = this.#hazardAt(ageMs);
      // The last bin goes on for ever.
      const endMs = BINS[binAt(ageMs) + 1]?.startMs ?? Number.POSITIVE_INFINITY;
      const stepMs = Math.min(endMs - ageMs, untilMs - fromMs, STEP_MS + fromMs / 8);
      const after = unsettled * Math.exp(-hazard * stepMs);
      const lagMs = lagBeforeMs + stepMs * (1 - (unsettled + after) / 2);
      yield { fromMs, toMs: fromMs + stepMs, lagBeforeMs, lagMs };
      fromMs += stepMs;
      ageMs += stepMs;
      lagBeforeMs = lagMs;
      unsettled = after;
    }
  }

  /** Settled per millisecond, of those that reached this age. */
  #hazardAt(ageMs: number): number {
    this.#hazards ??= BINS.map((bin, index) => this.#hazardOf(bin, index));
    return this.#hazards[binAt(ageMs)] ?? 0;
  }

  #hazardOf(bin: Bin, index: number): number {
    let later = 0;
    for (let n = index + 1; n < BINS.length; n += 1) later += this.#mass(n);
    const reached = later + this.#mass(index);
    if (reached === 0) return 0;
    // The constant hazard that leaves `later` of `reached` over at the end of the bin.
    return -Math.log(Math.max(later, reached / 1_000) / reached) / (bin.endMs - bin.startMs);
  }

  #mass(index: number): number {
    return (this.#counts[index] ?? 0) + (PRIOR[index] ?? 0);
  }
}

const STEP_MS = 250;

interface Step {
  readonly fromMs: number;
  readonly toMs: number;
  readonly lagBeforeMs: number;
  readonly lagMs: number;
}

function binAt(ageMs: number): number {
  const index = BINS.findIndex(({ endMs }) => ageMs < endMs);
  return index === -1 ? BINS.length - 1 : index;
}
