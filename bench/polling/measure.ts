import type { Simulator } from '../../src/simulator/simulator.ts';
import type { Arrival } from './workload.ts';

/** The outcome of one run. */
export interface Measured {
  readonly orders: number;
  /** The lags of orders that started HANDLING and that were seen settled. */
  readonly lagsMs: readonly number[];
  readonly calls: number;
  readonly throttled: number;
  /** The number of orders that started HANDLING and were not seen settled when the run ended. */
  readonly unfinished: number;
}

export function measured(
  orders: readonly Arrival[],
  settledAt: (order: Arrival) => number | undefined,
  { calls }: Simulator,
): Measured {
  const handled = orders.filter(({ isQueued }) => !isQueued);
  const lags = handled.map((order) => ({ order, at: settledAt(order) }));
  return {
    orders: orders.length,
    lagsMs: lags.flatMap(({ order, at }) => (at === undefined ? [] : [at - order.settlesAt])),
    calls: calls.total,
    throttled: calls.byOutcome()['429'] ?? 0,
    unfinished: lags.filter(({ at }) => at === undefined).length,
  };
}

export function meanSeconds(lagsMs: readonly number[]): number {
  return lagsMs.reduce((sum, lag) => sum + lag, 0) / lagsMs.length / 1_000;
}

export function percentileSeconds(lagsMs: readonly number[], part: number): number {
  const sorted = [...lagsMs].sort((a, b) => a - b);
  const index = Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1);
  return (sorted[index] ?? Number.NaN) / 1_000;
}
