/** What a slow upstream costs: answers that take longer, that vary, and some that never come. */
import { meanSeconds, percentileSeconds } from './measure.ts';
import { type GatewayRun, type Run, runGateway } from './run-gateway.ts';
import { type ListRegime, type Pace, USUAL } from './upstream.ts';

export const SLOW_UPSTREAM_HEADER = [
  '| Answers take | In progress | List | Calls | 429s | Unfinished | Mean lag, s | 95 % lag, s |',
  '|---|---:|---|---:|---:|---:|---:|---:|',
];

const PACES: readonly (readonly [name: string, pace: Pace])[] = [
  ['0.2 s', USUAL],
  ['0.2 s, and on average 1 s more', { ...USUAL, varyingMs: 1_000 }],
  ['0.2 s, but one in a hundred never comes', { ...USUAL, hangingPart: 0.01 }],
  ['3 s', { ...USUAL, latencyMs: 3_000 }],
  ['8 s', { ...USUAL, latencyMs: 8_000 }],
];
const IN_PROGRESS = [10, 40];
const REGIMES: readonly ListRegime[] = ['with cards', 'without cards', 'unusable'];

/** For each pace, a row for each number of orders in progress and each kind of list. */
export async function* slowUpstreamRows(
  newRun: (inProgress: number) => Run,
): AsyncGenerator<string> {
  for (const [name, pace] of PACES) {
    for (const inProgress of IN_PROGRESS) {
      for (const list of REGIMES) {
        const result = await runGateway({ ...newRun(inProgress), pace }, list);
        yield row([name, inProgress, list], result);
      }
    }
  }
}

function row(cells: readonly (string | number)[], result: GatewayRun): string {
  const { calls, throttled, unfinished, lagsMs } = result;
  const all = [
    ...cells,
    calls.toLocaleString('en'),
    throttled,
    unfinished,
    meanSeconds(lagsMs).toFixed(2),
    percentileSeconds(lagsMs, 0.95).toFixed(2),
  ];
  return `| ${all.join(' | ')} |`;
}
