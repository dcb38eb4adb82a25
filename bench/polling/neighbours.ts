/**
 * What a page of the list costs each order on it: by the order's age, the least share of the call that is charged to
 * the order. Drawn from the workload; derived in docs/lower-bound.md.
 */
import type { Random } from '../../src/core/ports.ts';
import { type Grid, SLOW_FROM_MS } from './schedule.ts';
import { drawLife, LONGEST_MS, ordersPerMs, SHORTEST_MS } from './workload.ts';

/** The number of rows on a page. */
export const PAGE = 100;

/** Keeps the weight of an order that is about to settle finite. Any value gives a valid bound; this one a high one. */
const SOFTENING_MS = 2_000;

interface Neighbour {
  /** Relative to the creation of our order. */
  readonly createdAtMs: number;
  readonly settlesAtMs: number;
}

/** The shares for one draw of all other orders. Takes the cheapest moment of each step, so never too large a share. */
export function drawShares(
  { stepMs, agesMs }: Grid,
  { inProgress, random }: { readonly inProgress: number; readonly random: Random },
): Float64Array {
  const neighbours = drawNeighbours(inProgress, random);
  return agesMs.map((toMs) => {
    const fromMs = toMs - stepMs;
    // Nothing is charged to slow orders, nor to orders that are too young to settle.
    const own = toMs < SLOW_FROM_MS ? weight(fromMs) : 0;
    return own === 0 ? 0 : own / (own + heaviestPage(neighbours, fromMs, toMs));
  });
}

/** The orders that can share a page with ours: those created just before it and just after it. */
function drawNeighbours(inProgress: number, random: Random): readonly Neighbour[] {
  const perMs = ordersPerMs(inProgress);
  const draw = (direction: -1 | 1) => {
    let createdAtMs = 0;
    return Array.from({ length: PAGE - 1 }, () => {
      createdAtMs -= (direction * Math.log(1 - random())) / perMs;
      const { isQueued, ms } = drawLife(random);
      // A QUEUED order takes up a row on the page, but nothing is charged to it.
      return { createdAtMs, settlesAtMs: isQueued ? Number.NEGATIVE_INFINITY : createdAtMs + ms };
    });
  };
  return [...draw(-1).reverse(), ...draw(1)];
}

/** The largest total weight that the other orders on a page with ours can have between two ages of our order. */
function heaviestPage(neighbours: readonly Neighbour[], fromMs: number, toMs: number): number {
  let sum = 0;
  let most = 0;
  const weights = neighbours.map(({ createdAtMs, settlesAtMs }) => {
    const inProgress = createdAtMs < toMs && settlesAtMs > fromMs;
    const isYoung = fromMs - createdAtMs <= SLOW_FROM_MS;
    return inProgress && isYoung ? weight(toMs - createdAtMs) : 0;
  });
  for (const [index, each] of weights.entries()) {
    sum += each - (weights[index - PAGE + 1] ?? 0);
    if (index >= PAGE - 2) most = Math.max(most, sum);
  }
  return most;
}

/** Shares are proportional to this weight: roughly the chance that an order of this age settles now. */
function weight(ageMs: number): number {
  return ageMs < SHORTEST_MS ? 0 : 1 / (LONGEST_MS + SOFTENING_MS - Math.min(ageMs, LONGEST_MS));
}
