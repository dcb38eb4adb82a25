/** What one read or write costs on the store itself, in CPU time of the calling thread. */
import { copyFileSync } from 'node:fs';
import type { Store } from '../../src/core/store.ts';
import type { Observation } from '../../src/core/topup.ts';
import { createRandom } from '../../src/simulator/random.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { observationOf, orderId, plan } from './fill.ts';
import type { Log, Logs } from './log.ts';
import { READS } from './questions.ts';
import { byTurns, type Pair, row } from './rounds.ts';

export const TURNS = { rounds: 31, toWarmUp: 5 };
const READS_A_ROUND = 5_000;
const WRITES_A_ROUND = 200;

/** An order number beyond all orders of the filled logs. */
const NEW_ORDERS = 2_000_000;
const LATER = Date.UTC(2027, 0, 1);

const random = createRandom(7);

export async function onTheStore(logs: Logs): Promise<readonly string[]> {
  const stores = { small: await open(logs.small), large: await open(logs.large) };
  const reads = await readRows(logs, stores);
  await Promise.all([stores.small.close(), stores.large.close()]);
  return [...reads, ...(await writeRows(logs))];
}

function open({ database }: Log): Promise<Store> {
  return openSqliteStore({ url: `file:${database}` });
}

/**
 * Reads random orders in two ways. Out of all orders: in the large log, most of them are in no processor cache. And out
 * of as many orders as the small log has, spread over the large log: as if only so many were in demand at a time.
 */
async function readRows(logs: Logs, stores: Pair<Store>): Promise<readonly string[]> {
  const few = logs.small.orders;
  const some = Array.from({ length: few }, () => anyOf(logs.large.orders));
  const picks = {
    'any order': (log: keyof Logs) => orderId(anyOf(logs[log].orders)),
    [`any of ${few}`]: (log: keyof Logs) =>
      orderId(log === 'small' ? anyOf(few) : (some[anyOf(few)] ?? 0)),
  };
  const rows: string[] = [];
  for (const [name, question] of Object.entries(READS)) {
    for (const [which, pick] of Object.entries(picks)) {
      const costs = await byTurns(TURNS, (log) => {
        const ids = Array.from({ length: READS_A_ROUND }, () => pick(log));
        return microseconds(ids, (id) => question(stores[log], id));
      });
      rows.push(row(`${name}: ${which}`, costs));
    }
  }
  return rows;
}

/**
 * Each round opens the logs anew, and restores the small one to its original state: otherwise it would not stay small.
 */
async function writeRows(logs: Logs): Promise<readonly string[]> {
  const original = `${logs.small.database}.original`;
  copyFileSync(logs.small.database, original);
  const settled: Record<keyof Logs, number[]> = { small: [], large: [] };
  const begun = await byTurns(TURNS, async (log, round) => {
    if (log === 'small') copyFileSync(original, logs.small.database);
    const store = await open(logs[log]);
    const append = (observation: Observation) => store.record(observation, plan);
    const cost = await microseconds(newObservations(round, 0), append);
    settled[log].push(await microseconds(newObservations(round, 3), append));
    await store.close();
    return cost;
  });
  copyFileSync(original, logs.small.database);
  const ended = settled.small
    .map((small, round) => ({ small, large: settled.large[round] ?? Number.NaN }))
    .slice(TURNS.toWarmUp);
  return [row('append, first of an order', begun), row('append, settles it', ended)];
}

function newObservations(round: number, place: number): readonly Observation[] {
  return Array.from({ length: WRITES_A_ROUND }, (_, index) => {
    const nth = NEW_ORDERS + round * WRITES_A_ROUND + index;
    const observedAt = LATER + place;
    return { ...observationOf(nth, place), observedAt, createdAt: LATER + nth };
  });
}

async function microseconds<T>(
  all: readonly T[],
  ask: (one: T) => Promise<unknown>,
): Promise<number> {
  const from = process.threadCpuUsage();
  for (const one of all) await ask(one);
  const { user, system } = process.threadCpuUsage(from);
  return (user + system) / all.length;
}

function anyOf(orders: number): number {
  return Math.floor(random() * orders);
}
