/** The rows of the table and of the plot. */
import { blindBound, callsPerOrder, lowerBound } from './bound.ts';
import { evenRounds, idealCycle, lateOnesLast } from './ideal.ts';
import { type Measured, meanSeconds, percentileSeconds } from './measure.ts';
import { leastMeanOfRun, type RunArrivals } from './run-bound.ts';
import type { ListRegime } from './upstream.ts';
import { type Arrival, settlements } from './workload.ts';

export interface Row {
  readonly inProgress: number;
  readonly who: string;
  /** Infinite if there are fewer calls than orders that need one; NaN if there is no value. */
  readonly meanSeconds: number;
  readonly p95Seconds: number;
  /** `undefined` for a computed row. */
  readonly measured?: Measured;
}

export const HEADER = [
  '| In progress | Who | Mean lag, s | 95 % lag, s | Calls per order | 429s | Unfinished |',
  '|---:|---|---:|---:|---:|---:|---:|',
];

export function measuredRow(inProgress: number, who: string, result: Measured): Row {
  return { inProgress, who, ...lagsOf(result.lagsMs), measured: result };
}

export function boundRow(inProgress: number, list: ListRegime): Row {
  const { meanMs, p95Ms } = lowerBound({ list, inProgress });
  const who = boundName(list);
  return { inProgress, who, meanSeconds: meanMs / 1_000, p95Seconds: p95Ms / 1_000 };
}

/** `undefined` if there are fewer calls than orders, or if orders are not checked one by one. */
export function runBoundRow(
  inProgress: number,
  list: ListRegime,
  run: RunArrivals,
): Row | undefined {
  if (list !== 'unusable' || callsPerOrder(inProgress) <= 1) return undefined;
  const who = `(e) lower bound for these arrivals, list ${list}`;
  return { inProgress, who, meanSeconds: leastMeanOfRun(run) / 1_000, p95Seconds: Number.NaN };
}

/** `undefined` if the bound for blind pages is no higher than `bound`, which holds for all policies. */
export function blindRow(inProgress: number, bound: Row, list: ListRegime): Row | undefined {
  const blind = blindBound({ list, inProgress });
  if (blind === undefined || blind.meanMs / 1_000 <= bound.meanSeconds) return undefined;
  const who = `lower bound for blind pages, list ${list}`;
  return { inProgress, who, meanSeconds: blind.meanMs / 1_000, p95Seconds: blind.p95Ms / 1_000 };
}

export function boundName(list: ListRegime): string {
  return `(e) lower bound, list ${list}`;
}

/** The goal for 95 % of the orders. */
const IN_TIME_MS = 6_000;

/** The calls of a minute, if slow and QUEUED orders take three of those that the ideal cycle has. */
const LESS_FOR_OTHERS = 115;

/** If lists show no cards; none if there are fewer calls than orders. */
export function idealRows(inProgress: number, orders: readonly Arrival[]): readonly Row[] {
  if (callsPerOrder(inProgress) <= 1) return [];
  const settledAt = settlements(orders);
  const who = 'no bound: ideal cycle for these arrivals, list without cards';
  const row = { inProgress, who, ...lagsOf(idealCycle(settledAt)) };
  if (row.p95Seconds * 1_000 <= IN_TIME_MS) return [row];
  const inTimeMs = IN_TIME_MS;
  const lateLast = `${who}, late ones last`;
  const fewer = { inTimeMs, callsPerMinute: LESS_FOR_OTHERS };
  return [
    row,
    { inProgress, who: lateLast, ...lagsOf(lateOnesLast(settledAt, { inTimeMs })) },
    {
      inProgress,
      who: `${lateLast}, ${LESS_FOR_OTHERS} calls a minute`,
      ...lagsOf(lateOnesLast(settledAt, fewer)),
    },
  ];
}

/** Shown beside the bound for blind pages, since the ideal rounds are blind, too. */
export function roundsRow(inProgress: number, list: ListRegime): Row {
  const who = `no bound: ideal rounds, list ${list}`;
  return { inProgress, who, ...lagsOf(evenRounds(inProgress)) };
}

function lagsOf(lagsMs: readonly number[]): Pick<Row, 'meanSeconds' | 'p95Seconds'> {
  return { meanSeconds: meanSeconds(lagsMs), p95Seconds: percentileSeconds(lagsMs, 0.95) };
}

export function printed({ inProgress, who, measured, ...lags }: Row): string {
  const seconds = [lags.meanSeconds, lags.p95Seconds].map(toCell);
  const rest =
    measured === undefined
      ? ['-', '-', '-']
      : [
          (measured.calls / measured.orders).toFixed(1),
          measured.throttled,
          `${measured.unfinished} of ${measured.orders}`,
        ];
  return `| ${[inProgress, who, ...seconds, ...rest].join(' | ')} |`;
}

function toCell(lagSeconds: number): string {
  if (Number.isNaN(lagSeconds)) return '-';
  return lagSeconds === Number.POSITIVE_INFINITY ? 'no end' : lagSeconds.toFixed(2);
}
