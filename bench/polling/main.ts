/** `npm run bench:polling`: lag against orders in progress, on a virtual clock. Seeded, so it repeats itself. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform } from 'node:os';
import { createRandom } from '../../src/simulator/random.ts';
import { type Measured, meanSeconds, percentileSeconds } from './measure.ts';
import { type Run, runGateway } from './run-gateway.ts';
import { runVendorLoop } from './run-vendor-loop.ts';
import { VirtualClock } from './virtual-clock.ts';
import { arrivals } from './workload.ts';

const SEED = 7;
const START = Date.UTC(2026, 0, 1);
const MINUTE_MS = 60_000;
/** New orders come for so long; then the last ones get time to end. */
const ARRIVALS_MS = 30 * MINUTE_MS;
const ENDING_MS = 15 * MINUTE_MS;

const IN_PROGRESS = [1, 5, 10, 40, 100, 400];

const CONTESTANTS: readonly {
  readonly name: string;
  readonly run: (run: Run) => Promise<Measured>;
  /** Orders in progress beyond which each costs a call of its own, and there are not enough of them. */
  readonly upTo: number;
}[] = [
  { name: "vendor's loop", run: runVendorLoop, upTo: 100 },
  {
    name: 'gateway, list with cards',
    run: (run) => runGateway(run, 'with cards'),
    upTo: Number.POSITIVE_INFINITY,
  },
  {
    name: 'gateway, list without cards',
    run: (run) => runGateway(run, 'without cards'),
    upTo: 100,
  },
  { name: 'gateway, list unusable', run: (run) => runGateway(run, 'unusable'), upTo: 100 },
];

function newRun(inProgress: number): Run {
  const from = START + 1_000;
  const orders = arrivals({
    inProgress,
    from,
    until: from + ARRIVALS_MS,
    random: createRandom(SEED),
  });
  return {
    clock: new VirtualClock(START),
    orders: [...orders],
    seed: SEED,
    until: from + ARRIVALS_MS + ENDING_MS,
  };
}

function row(inProgress: number, name: string, result: Measured): string {
  const cells = [
    inProgress,
    name,
    meanSeconds(result.lagsMs).toFixed(2),
    percentileSeconds(result.lagsMs, 0.95).toFixed(2),
    (result.calls / result.orders).toFixed(1),
    result.throttled,
    `${result.unfinished} of ${result.orders}`,
  ];
  return `| ${cells.join(' | ')} |`;
}

const lines = [
  '# Lag against orders in progress',
  '',
  `Made by \`npm run bench:polling\` on ${platform()} ${arch()}, ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}; seed ${SEED}. The clock is`,
  'virtual, so the machine matters little. 120 calls a minute, 200 ms there and back. Orders come for 30 minutes as a',
  'Poisson process (40 in progress are 100 new ones a minute) and get 15 more to end: HANDLING for 3 to 45 s, but 2 %',
  'for 10 minutes and 3 % QUEUED (left out of the lags). Every order is watched from its creation.',
  '',
  'Lag: from the moment the order settles at the upstream to the moment its snapshot is in the log; of orders that were',
  'finished only. Unfinished: settled at the upstream, and not seen when the run ended. Beyond 40 in progress there',
  'are more new orders than calls, so whoever needs a call for each falls behind without end: left out from 400 on.',
  '',
  '| In progress | Who | Mean lag, s | 95 % lag, s | Calls per order | 429s | Unfinished |',
  '|---:|---|---:|---:|---:|---:|---:|',
];
process.stdout.write(`${lines.slice(-2).join('\n')}\n`);
for (const inProgress of IN_PROGRESS) {
  for (const { name, run, upTo } of CONTESTANTS) {
    if (inProgress > upTo) continue;
    const line = row(inProgress, name, await run(newRun(inProgress)));
    process.stdout.write(`${line}\n`);
    lines.push(line);
  }
}
const results = new URL('../results/', import.meta.url);
mkdirSync(results, { recursive: true });
writeFileSync(new URL('polling.md', results), `${lines.join('\n')}\n`);
