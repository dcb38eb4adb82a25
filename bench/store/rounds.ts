import { percentile, ratios } from '../speed/statistics.ts';

/** The same on both logs. */
export interface Pair<T> {
  readonly small: T;
  readonly large: T;
}

export interface Turns {
  readonly rounds: number;
  /** Before them, not counted. */
  readonly toWarmUp: number;
}

/**
 * Costs of one thing in either log, round by round, in microseconds. Both logs by turns, and each the first as often as
 * the other, so that what else the machine does falls on both.
 */
export async function byTurns(
  { rounds, toWarmUp }: Turns,
  cost: (log: keyof Pair<unknown>, round: number) => Promise<number>,
): Promise<readonly Pair<number>[]> {
  const costs: Pair<number>[] = [];
  for (let round = 0; round < toWarmUp + rounds; round += 1) {
    const smallFirst = round % 2 === 0;
    const before = smallFirst ? await cost('small', round) : undefined;
    const large = await cost('large', round);
    const small = before ?? (await cost('small', round));
    if (round >= toWarmUp) costs.push({ small, large });
  }
  return costs;
}

export const HEAD = [
  '| | 1,000 snapshots, µs | 1,000,000 snapshots, µs | More, µs | Ratio | Ratio, middle half of the rounds |',
  '|---|---:|---:|---:|---:|---:|',
];

/** Medians, each of its own. */
export function row(name: string, costs: readonly Pair<number>[]): string {
  const small = costs.map((each) => each.small);
  const large = costs.map((each) => each.large);
  const ratio = ratios(large, small);
  const more = costs.map((each) => each.large - each.small);
  const medians = [small, large, more].map((values) => percentile(values, 50).toFixed(0));
  const middle = [25, 75].map((percent) => percentile(ratio, percent).toFixed(2)).join('–');
  return `| ${name} | ${medians.join(' | ')} | ${percentile(ratio, 50).toFixed(2)} | ${middle} |`;
}
