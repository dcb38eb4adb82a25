/** `npm run bench:polling`: lag by orders in progress, on a virtual clock. Seeded, so its results are reproducible. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRandom } from '../../src/simulator/random.ts';
import { CONTESTANTS, type Contestant } from './contestants.ts';
import { plot } from './plot.ts';
import { report } from './report.ts';
import {
  blindRow,
  boundRow,
  HEADER,
  idealRows,
  measuredRow,
  printed,
  type Row,
  roundsRow,
  runBoundRow,
} from './rows.ts';
import type { RunArrivals } from './run-bound.ts';
import { type Run, runGateway } from './run-gateway.ts';
import { type Selection, selectionFrom } from './selection.ts';
import { SHARED_KEY_HEADER, sharedKeyRows } from './shared-key.ts';
import { SLOW_UPSTREAM_HEADER, slowUpstreamRows } from './slow-upstream.ts';
import { ORDERS_IN_PROGRESS, SUBSCRIBER_HEADER, subscriberRows } from './subscribers.ts';
import { VirtualClock } from './virtual-clock.ts';
import { arrivals, ordersPerMs } from './workload.ts';

const SEED = 7;
const START = Date.UTC(2026, 0, 1);
const MINUTE_MS = 60_000;
/** How long new orders arrive; longer if that brings fewer than `FEWEST_ORDERS`. Then the last ones get `ENDING_MS`. */
const ARRIVALS_MS = 30 * MINUTE_MS;
const FEWEST_ORDERS = 750;
const SUBSCRIBED_ARRIVALS_MS = 10 * MINUTE_MS;
const ENDING_MS = 15 * MINUTE_MS;

/** Before the runs, a gateway learns from this many orders in progress, other ones than those of the runs. */
const LEARNING = { inProgress: 10, arrivalsMs: 60 * MINUTE_MS, seed: SEED + 1 };
/** Up to here, each row of a gateway is followed by one of a gateway that has learned nothing yet. */
const UNLEARNED_UP_TO = 40;

const selection = selectionFrom(process.argv.slice(2));
const { learned } = await runGateway(newRun(LEARNING), 'with cards');
const rows: Row[] = [];
if (selection.lags) {
  say(...HEADER);
  for await (const row of lagRows(selection)) {
    say(printed(row));
    rows.push(row);
  }
}
const tables = {
  subscribed: await tableOf(selection.subscribers && SUBSCRIBER_HEADER, () =>
    subscriberRows(() =>
      newRun({ inProgress: ORDERS_IN_PROGRESS, arrivalsMs: SUBSCRIBED_ARRIVALS_MS, learned }),
    ),
  ),
  sharedKey: await tableOf(selection.sharedKey && SHARED_KEY_HEADER, () =>
    sharedKeyRows((inProgress) => newRun({ inProgress, arrivalsMs: ARRIVALS_MS, learned })),
  ),
  slowUpstream: await tableOf(selection.slowUpstream && SLOW_UPSTREAM_HEADER, () =>
    slowUpstreamRows((inProgress) => newRun({ inProgress, arrivalsMs: ARRIVALS_MS, learned })),
  ),
};
if (selection.isComplete) {
  const results = new URL('../results/', import.meta.url);
  mkdirSync(results, { recursive: true });
  writeFileSync(new URL('polling.md', results), report({ seed: SEED, rows, tables }));
  writeFileSync(new URL('polling.svg', results), plot(rows));
}

/** The lines of a table, printed as they come; none if there is no header. */
async function tableOf(
  header: readonly string[] | false,
  newRows: () => AsyncIterable<string>,
): Promise<readonly string[]> {
  if (header === false) return [];
  say('', ...header);
  const lines = [...header];
  for await (const row of newRows()) {
    say(row);
    lines.push(row);
  }
  return lines;
}

async function* lagRows({ inProgress, regimes }: Selection): AsyncGenerator<Row> {
  const contestants = CONTESTANTS.filter(({ regime }) => regimes.includes(regime));
  for (const orders of inProgress) {
    for (const contestant of contestants) yield* rowsOf(contestant, orders);
  }
}

/** The measured row of a contestant, and the bounds and ideal policies that it is compared with. */
async function* rowsOf(contestant: Contestant, inProgress: number): AsyncGenerator<Row> {
  const { name, regime, run, upTo } = contestant;
  const arrivalsMs = Math.max(ARRIVALS_MS, FEWEST_ORDERS / ordersPerMs(inProgress));
  const workload = { inProgress, arrivalsMs };
  if (inProgress <= upTo) {
    yield measuredRow(inProgress, name, await run(newRun({ ...workload, learned })));
  }
  if (regime === 'vendor') return;
  if (inProgress <= UNLEARNED_UP_TO) {
    yield measuredRow(inProgress, `${name}, nothing learned yet`, await run(newRun(workload)));
  }
  const bound = boundRow(inProgress, regime);
  yield bound;
  const ofRun = runBoundRow(inProgress, regime, arrivalsOf(newRun(workload)));
  if (ofRun !== undefined) yield ofRun;
  const blind = blindRow(inProgress, bound, regime);
  if (blind !== undefined) {
    yield blind;
    yield roundsRow(inProgress, regime);
  }
  if (regime === 'without cards') yield* idealRows(inProgress, newRun(workload).orders);
}

function newRun({
  inProgress,
  arrivalsMs,
  learned,
  seed = SEED,
}: Pick<Run, 'learned'> & {
  readonly inProgress: number;
  readonly arrivalsMs: number;
  readonly seed?: number;
}): Run {
  const from = START + 1_000;
  const until = from + arrivalsMs;
  const orders = [...arrivals({ inProgress, from, until, random: createRandom(seed) })];
  return { clock: new VirtualClock(START), orders, seed, learned, until: until + ENDING_MS };
}

function arrivalsOf({ clock, orders, until }: Run): RunArrivals {
  const from = clock.now();
  return { at: orders.map((order) => order.at - from), untilMs: until - from };
}

function say(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
