import { percentile, ratios } from '../speed/statistics.ts';

/** A value for each of the two logs. */
export interface Pair<T> {
  readonly small: T;
  readonly large: T;
}

export interface Turns {
  readonly rounds: number;
  /** The number of warm-up rounds before these, which are not counted. */
  readonly toWarmUp: number;
}

/**
 * The costs of one operation on either log, round by round, in microseconds. The logs alternate, and each goes first in
 * every other round, so that disturbances of the machine affect both alike.
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

/** A row of medians, each taken over its own column of values. */
export function row(name: string, costs: readonly Pair<number>[]): string {
  const small = costs.map((each) => each.small);
  const large = costs.map((each) => each.large);
  const ratio = ratios(large, small);
  const more = costs.map((each) => each.large - each.small);
  const medians = [small, large, more].map((values) => percentile(values, 50).toFixed(0));
  const middle = [25, 75].map((percent) => percentile(ratio, percent).toFixed(2)).join('–');
  return `| ${name} | ${medians.join(' | ')} | ${percentile(ratio, 50).toFixed(2)} | ${middle} |`;
}
