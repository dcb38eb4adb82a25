/**
 * What a page of the list costs each order on it: by the age of the order, the part of a call that it has
 * to bear at the least. Drawn from the workload; derived in docs/lower-bound.md.
 */
import type { Random } from '../../src/core/ports.ts';
import { type Grid, SLOW_FROM_MS } from './schedule.ts';
import { drawLife, LONGEST_MS, ordersPerMs, SHORTEST_MS } from './workload.ts';

/** Rows of a page. */
export const PAGE = 100;

/** Keeps the weight of an order that is about to settle finite. Any value gives a bound; this one a high one. */
const SOFTENING_MS = 2_000;

interface Neighbour {
  /** Counted from the creation of the order in question. */
  readonly createdAtMs: number;
  readonly settlesAtMs: number;
}

/** For one draw of all other orders. Of the cheapest moment of each step, so never too dear. */
export function drawShares(
  { stepMs, agesMs }: Grid,
  { inProgress, random }: { readonly inProgress: number; readonly random: Random },
): Float64Array {
  const neighbours = drawNeighbours(inProgress, random);
  return agesMs.map((toMs) => {
    const fromMs = toMs - stepMs;
    // Slow orders bear nothing, nor do those that cannot settle yet.
    const own = toMs < SLOW_FROM_MS ? weight(fromMs) : 0;
    return own === 0 ? 0 : own / (own + heaviestPage(neighbours, fromMs, toMs));
  });
}

/** Orders that share pages with ours: those created just before it, and those just after. */
function drawNeighbours(inProgress: number, random: Random): readonly Neighbour[] {
  const perMs = ordersPerMs(inProgress);
  const draw = (direction: -1 | 1) => {
    let createdAtMs = 0;
    return Array.from({ length: PAGE - 1 }, () => {
      createdAtMs -= (direction * Math.log(1 - random())) / perMs;
      const { isQueued, ms } = drawLife(random);
      // The row of a QUEUED order takes a place on the page, and bears nothing.
      return { createdAtMs, settlesAtMs: isQueued ? Number.NEGATIVE_INFINITY : createdAtMs + ms };
    });
  };
  return [...draw(-1).reverse(), ...draw(1)];
}

/** The most that the others on a page with our order can weigh between two moments. */
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

/** Shares are in proportion to this: roughly the chance to settle just now, which is what looks are for. */
function weight(ageMs: number): number {
  return ageMs < SHORTEST_MS ? 0 : 1 / (LONGEST_MS + SOFTENING_MS - Math.min(ageMs, LONGEST_MS));
}
