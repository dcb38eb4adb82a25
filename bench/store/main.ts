/**
 * `npm run bench:store`: what one question costs with a thousand and with a million snapshots in the log, in CPU time
 * of the thread that asks, since that holds still on a machine that does other things too.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Store } from '../../src/core/store.ts';
import { createRandom } from '../../src/simulator/random.ts';
import { fill, SNAPSHOTS_AN_ORDER } from './fill.ts';
import { type Question, READS, WRITES } from './questions.ts';

const SMALL = 1_000;
const LARGE = 1_000_000;
const ROUNDS = 31;
const ROUNDS_TO_WARM_UP = 5;
/** So many that the clock of CPU time, which goes by milliseconds, tells fractions of a microsecond. */
const READS_A_ROUND = 5_000;
const WRITES_A_ROUND = 200;

interface Log {
  readonly orders: number;
  readonly store: Store;
}

type Pick = (log: Log, round: number) => readonly number[];

const random = createRandom(7);
const anyOrder: Pick = ({ orders }) =>
  Array.from({ length: READS_A_ROUND }, () => Math.floor(random() * orders));
const newOrders: Pick = (_log, round) =>
  Array.from({ length: WRITES_A_ROUND }, (_, index) => round * WRITES_A_ROUND + index);

const folder = mkdtempSync(join(tmpdir(), 'topup-gateway-bench-'));
try {
  const [small, large] = [await filled(SMALL), await filled(LARGE)];
  const lines = [
    '| Question | 1,000 snapshots, µs | 1,000,000 snapshots, µs | More, µs | Ratio | Ratio, middle half of the rounds |',
    '|---|---:|---:|---:|---:|---:|',
  ];
  for (const [questions, pick] of [[READS, anyOrder] as const, [WRITES, newOrders] as const]) {
    for (const [name, question] of Object.entries(questions)) {
      lines.push(await row(name, { question, pick, small, large }));
    }
  }
  await Promise.all([small.store.close(), large.store.close()]);
  write(lines);
} finally {
  rmSync(folder, { recursive: true });
}

async function filled(snapshots: number): Promise<Log> {
  const store = await fill(`file:${join(folder, `${snapshots}.db`)}`, snapshots);
  return { orders: snapshots / SNAPSHOTS_AN_ORDER, store };
}

interface Comparison {
  readonly question: Question;
  readonly pick: Pick;
  readonly small: Log;
  readonly large: Log;
}

/** Both logs by turns, so that what else the machine does falls on both. */
async function row(name: string, { question, pick, small, large }: Comparison): Promise<string> {
  const rounds: { readonly small: number; readonly large: number }[] = [];
  for (let round = -ROUNDS_TO_WARM_UP; round < ROUNDS; round += 1) {
    const cost = async (log: Log) => microseconds(log.store, question, pick(log, round));
    const measured = { small: await cost(small), large: await cost(large) };
    if (round >= 0) rounds.push(measured);
  }
  const ratios = rounds.map((each) => each.large / each.small);
  const at = (values: readonly number[], part: number) =>
    values.toSorted((a, b) => a - b)[Math.floor(values.length * part)] ?? Number.NaN;
  const median = (values: readonly number[]) => at(values, 0.5).toFixed(0);
  const costs = [
    median(rounds.map((each) => each.small)),
    median(rounds.map((each) => each.large)),
    median(rounds.map((each) => each.large - each.small)),
  ];
  const spread = `${at(ratios, 0.25).toFixed(2)}–${at(ratios, 0.75).toFixed(2)}`;
  return `| ${name} | ${costs.join(' | ')} | ${at(ratios, 0.5).toFixed(2)} | ${spread} |`;
}

async function microseconds(
  store: Store,
  question: Question,
  orders: readonly number[],
): Promise<number> {
  const from = process.threadCpuUsage();
  for (const nth of orders) await question(store, nth);
  const { user, system } = process.threadCpuUsage(from);
  return (user + system) / orders.length;
}

function write(lines: readonly string[]): void {
  const text = `# One question, with a thousand and with a million snapshots

\`npm run bench:store\`, on ${cpus()[0]?.model ?? 'an unknown processor'}, Node ${process.versions.node}. CPU time of one question on the store itself,
without GraphQL around it; any of all orders, asked for at random; median of ${ROUNDS} rounds, both logs by turns.

${lines.join('\n')}
`;
  process.stdout.write(text);
  const results = new URL('../results/', import.meta.url);
  mkdirSync(results, { recursive: true });
  writeFileSync(new URL('store.md', results), text);
}
