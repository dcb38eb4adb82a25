import type { Random } from '../../src/core/ports.ts';
import { type Plan, scripted } from '../../src/simulator/life.ts';

/**
 * Orders as a shop sends them: a Poisson process. Orders are HANDLING for 3 to 45 s, evenly distributed, except for 2 %
 * that take 10 minutes, and 3 % that are QUEUED for 12 to 48 hours.
 */

const SECOND_MS = 1_000;
const HOUR_MS = 3_600 * SECOND_MS;

/** All orders but the slow and the queued ones settle between these ages. */
export const SHORTEST_MS = 3 * SECOND_MS;
export const LONGEST_MS = 45 * SECOND_MS;
/** The share of slow orders among all orders. */
export const SLOW_PART = 0.02;
export const SLOW_MS = 600 * SECOND_MS;
export const QUEUED_PART = 0.03;
const QUEUED_SHORTEST_MS = 12 * HOUR_MS;
const QUEUED_LONGEST_MS = 48 * HOUR_MS;

const MEAN_HANDLING_MS = (SHORTEST_MS + LONGEST_MS) / 2;

export interface Arrival {
  readonly at: number;
  readonly plan: Plan;
  /** When the order settles at the upstream. */
  readonly settlesAt: number;
  readonly isQueued: boolean;
}

/** The share of orders whose lag is measured. */
export const HANDLED_PART = 1 - QUEUED_PART;

/** Arrivals for an average number of orders in progress, not counting slow and queued ones: 40 mean 100 a minute. */
export function ordersPerMs(inProgress: number): number {
  return inProgress / MEAN_HANDLING_MS;
}

/** When those of the orders settle that are not QUEUED, the first one first. */
export function settlements(orders: readonly Arrival[]): readonly number[] {
  return orders
    .filter(({ isQueued }) => !isQueued)
    .map(({ settlesAt }) => settlesAt)
    .sort((one, other) => one - other);
}

export function* arrivals(options: {
  readonly inProgress: number;
  readonly from: number;
  readonly until: number;
  readonly random: Random;
}): Generator<Arrival> {
  const { from, until, random } = options;
  const rate = ordersPerMs(options.inProgress);
  let at = from;
  for (;;) {
    at += -Math.log(1 - random()) / rate;
    if (at >= until) return;
    yield arrival(Math.round(at), random);
  }
}

function arrival(at: number, random: Random): Arrival {
  const { isQueued, ms } = drawLife(random);
  const lifeMs = Math.round(ms);
  const first = isQueued ? 'QUEUED' : 'HANDLING';
  const plan = scripted([
    { afterMs: 0, status: first },
    { afterMs: lifeMs, status: 'FULFILLED' },
  ]);
  return { at, plan, settlesAt: at + lifeMs, isQueued };
}

export function drawLife(random: Random): { readonly isQueued: boolean; readonly ms: number } {
  const kind = random();
  return { isQueued: kind < QUEUED_PART, ms: drawLifeMs(kind, random()) };
}

function drawLifeMs(kind: number, within: number): number {
  if (kind < QUEUED_PART) {
    return QUEUED_SHORTEST_MS + within * (QUEUED_LONGEST_MS - QUEUED_SHORTEST_MS);
  }
  if (kind < QUEUED_PART + SLOW_PART) return SLOW_MS;
  return SHORTEST_MS + within * (LONGEST_MS - SHORTEST_MS);
}

/** The share of orders, queued ones left out, that are still in progress at an age. */
export function unsettledAt(ageMs: number): number {
  const handling =
    (LONGEST_MS - Math.min(Math.max(ageMs, SHORTEST_MS), LONGEST_MS)) / (LONGEST_MS - SHORTEST_MS);
  const slow = SLOW_PART / (1 - QUEUED_PART);
  return (1 - slow) * handling + (ageMs < SLOW_MS ? slow : 0);
}
