import fc from 'fast-check';

/**
 * An exact distribution of how long orders take to settle, as a fine histogram. Costs are sums over it; nothing is
 * drawn at random. All ages and durations are milliseconds.
 */
export interface Lifetimes {
  readonly name: string;
  /** Each cell is evenly filled. Their weights sum to 1. Cells may overlap. */
  readonly cells: readonly Cell[];
}

interface Cell {
  readonly from: number;
  readonly to: number;
  readonly weight: number;
}

export interface Cost {
  /** Expected calls until the one that finds an order settled. */
  readonly calls: number;
  /** Expected time from the moment that the order settles to that call. */
  readonly lagMs: number;
}

const SECOND_MS = 1_000;
const MOST_CALLS = 100_000;

/** The cost of a rule that makes each call `delayOf(age)` after the previous one, from age 0 on. */
export function costOfRule(kind: Lifetimes, delayOf: (ageMs: number) => number): Cost {
  let [calls, lagMs, at] = [0, 0, 0];
  const last = Math.max(...kind.cells.map(({ to }) => to));
  for (let call = 0; call < MOST_CALLS && at < last; call += 1) {
    const next = at + delayOf(at);
    const found = between(kind, at, next);
    calls += unsettledAt(kind, at);
    lagMs += found.weight * next - found.weightedAge;
    at = next;
  }
  return { calls, lagMs };
}

/**
 * The calls per order of the vendor's loop, which polls at a fixed interval, if its average lag is `lagMs`, half its
 * interval. The interval is assumed to be unrelated to when orders settle, so an order that settles at age T takes
 * T / interval + 1/2 calls on average. (A loop that happens to call just after most orders settle does better, but to
 * set that up one must know the distribution.)
 */
export function callsOfLoop(kind: Lifetimes, lagMs: number): number {
  // The call that finds an order settled is always made.
  return Math.max(1, meanAge(kind) / (2 * lagMs) + 1 / 2);
}

function meanAge(kind: Lifetimes): number {
  return between(kind, 0, Number.POSITIVE_INFINITY).weightedAge;
}

/** The age at a share of all orders, cell by cell: evenly spread shares give ages with this distribution. */
export function ageAt({ cells }: Lifetimes, part: number): number {
  let before = 0;
  for (const { from, to, weight } of cells) {
    if (before + weight > part) return from + ((part - before) / weight) * (to - from);
    before += weight;
  }
  return cells.at(-1)?.to ?? 0;
}

/** The share of all orders that settle between two ages, and the sum of their ages weighted by that share. */
function between({ cells }: Lifetimes, from: number, to: number) {
  let [weight, weightedAge] = [0, 0];
  for (const cell of cells) {
    const [start, end] = [Math.max(from, cell.from), Math.min(to, cell.to)];
    if (end <= start) continue;
    const part = (cell.weight * (end - start)) / (cell.to - cell.from);
    weight += part;
    weightedAge += part * ((start + end) / 2);
  }
  return { weight, weightedAge };
}

function unsettledAt(kind: Lifetimes, ageMs: number): number {
  return between(kind, ageMs, Number.POSITIVE_INFINITY).weight;
}

/** The stated 3 to 45 s for 19 orders in 20; one in twenty takes far longer. */
export function asStated(): Lifetimes {
  const tail = powerLaw(45 * SECOND_MS, 1);
  return mixed(tail, evenly(3 * SECOND_MS, 45 * SECOND_MS), 0.05);
}

/** Arbitrary distributions: even between two ages, log-normal, with two peaks, or with a power-law tail. */
export function lifetimes(): fc.Arbitrary<Lifetimes> {
  const seconds = (min: number, max: number) => fc.integer({ min, max });
  const even = fc
    .tuple(seconds(0, 60), seconds(2, 120))
    .map(([from, width]) => evenly(from * SECOND_MS, (from + width) * SECOND_MS));
  const lognormal = fc
    .tuple(seconds(5, 120), fc.integer({ min: 2, max: 12 }))
    .map(([median, spread]) => logNormal(median * SECOND_MS, spread / 10));
  const pareto = fc
    .tuple(seconds(3, 60), fc.integer({ min: 8, max: 30 }))
    .map(([scale, shape]) => powerLaw(scale * SECOND_MS, shape / 10));
  const bimodal = fc
    .tuple(even, even, seconds(60, 300), fc.integer({ min: 1, max: 9 }))
    .map(([one, other, apart, part]) => mixed(one, later(other, apart * SECOND_MS), part / 10));
  return fc.oneof(even, lognormal, pareto, bimodal);
}

const CELLS = 150;

function evenly(from: number, to: number): Lifetimes {
  return { name: `evenly ${from}..${to}`, cells: [{ from, to, weight: 1 }] };
}

function logNormal(median: number, spread: number): Lifetimes {
  // Equal steps of the logarithm, out to 3.5 spreads.
  const age = (step: number) => median * Math.exp(spread * (7 * (step / CELLS) - 3.5));
  const density = (step: number) => Math.exp(-((7 * ((step + 0.5) / CELLS) - 3.5) ** 2) / 2);
  return byCells(`log-normal, median ${median}, spread ${spread}`, age, density);
}

/** Cut off at a thousand times the scale, or at an hour if that is less. */
function powerLaw(scale: number, shape: number): Lifetimes {
  const most = Math.min(1_000 * scale, 3_600 * SECOND_MS);
  const age = (step: number) => scale * (most / scale) ** (step / CELLS);
  const beyond = (step: number) => (scale / age(step)) ** shape;
  const density = (step: number) => beyond(step) - beyond(step + 1);
  return byCells(`power law from ${scale}, shape ${shape}`, age, density);
}

function byCells(
  name: string,
  age: (step: number) => number,
  density: (step: number) => number,
): Lifetimes {
  const steps = Array.from({ length: CELLS }, (_, step) => step);
  const total = steps.reduce((sum, step) => sum + density(step), 0);
  const cells = steps.map((step) => ({
    from: age(step),
    to: age(step + 1),
    weight: density(step) / total,
  }));
  return { name, cells };
}

function later({ name, cells }: Lifetimes, byMs: number): Lifetimes {
  const moved = cells.map(({ from, to, weight }) => ({ from: from + byMs, to: to + byMs, weight }));
  return { name: `${name} and ${byMs}`, cells: moved };
}

function mixed(one: Lifetimes, other: Lifetimes, part: number): Lifetimes {
  const weighted = ({ cells }: Lifetimes, by: number) =>
    cells.map((cell) => ({ ...cell, weight: cell.weight * by }));
  const cells = [...weighted(one, part), ...weighted(other, 1 - part)];
  return { name: `${part} of ${one.name}, else ${other.name}`, cells };
}
