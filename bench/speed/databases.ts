/** The databases for the measurements. The large ones are written once and kept. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { planner } from '../../src/core/cadence.ts';
import type { Planner } from '../../src/core/store.ts';
import type { Observation } from '../../src/core/topup.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { DATA, ROOT } from './paths.ts';
import { lifeOf, observationOf, type Row, rowOf, SNAPSHOTS_EACH } from './rows.ts';

/** The number of snapshots in the large log. */
export const MILLION = 1_000_000;

/** The number of orders written in one transaction. */
const BATCH = 500;

/** A log of orders that were settled when first seen: one snapshot each. */
export function settledRows(orders: number): Promise<string> {
  return kept(`rows-${orders}-${schemaVersion()}`, (database) =>
    write({ database, orders, plan: () => null }, (index) => lifeOf(index).slice(-1)),
  );
}

/** A log of settled orders, `SNAPSHOTS_EACH` snapshots each. */
export function settledLog(snapshots: number): Promise<string> {
  return kept(`log-${snapshots}-${schemaVersion()}`, (path) => writeSettledLog(path, snapshots));
}

/**
 * Part of a kept database's name: one of an earlier schema would be migrated at each start, and then be read from its
 * write-ahead log.
 */
function schemaVersion(): number {
  const migrations = readdirSync(join(ROOT, 'drizzle/sqlite'));
  return migrations.filter((name) => name.endsWith('.sql')).length;
}

/** One table with the latest state of the same orders, for the plain Yoga server. */
export function plainTable(orders: number): Promise<string> {
  return kept(`plain-${orders}`, async (path) => writeTable(path, orders));
}

/**
 * A new log of parked orders that were checked a moment ago: for minutes, the gateway makes no call for them, and a new
 * watcher does not change their schedule.
 */
export async function parkedLog(orders: number): Promise<string> {
  const database = newDatabase();
  const parked = {
    upstreamStatus: 'QUEUED',
    observedAt: Date.now(),
    createdAt: Date.now() - 1_000,
  };
  await write({ database, orders, plan: planner(true) }, (index) => [observationOf(index, parked)]);
  return database;
}

/** The path for a new database, which is deleted when the bench ends. */
export function newDatabase(): string {
  mkdirSync(DATA, { recursive: true });
  const folder = mkdtempSync(join(DATA, 'once-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'gateway.db');
}

/** Writes a database unless it exists. A database gets its final name only once it is complete. */
async function kept(name: string, fill: (path: string) => Promise<void>): Promise<string> {
  const folder = join(DATA, name);
  if (!existsSync(folder)) {
    process.stdout.write(`writing ${folder}, once: this may take minutes\n`);
    const unfinished = `${folder}-unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { recursive: true });
    await fill(join(unfinished, 'gateway.db'));
    renameSync(unfinished, folder);
  }
  return join(folder, 'gateway.db');
}

/** Writes a log of settled orders, `SNAPSHOTS_EACH` snapshots each, to `path`. */
export function writeSettledLog(path: string, snapshots: number): Promise<void> {
  const orders = snapshots / SNAPSHOTS_EACH;
  return write({ database: path, orders, plan: planner(false) }, lifeOf);
}

async function write(
  log: { readonly database: string; readonly orders: number; readonly plan: Planner },
  snapshotsOf: (index: number) => readonly Observation[],
): Promise<void> {
  const { database, orders, plan } = log;
  const store = await openSqliteStore({ url: `file:${database}` });
  for (let from = 0; from < orders; from += BATCH) {
    const indexes = Array.from({ length: Math.min(BATCH, orders - from) }, (_, at) => from + at);
    await store.recordAll(indexes.flatMap(snapshotsOf), plan);
  }
  await store.close();
}

function writeTable(path: string, orders: number): void {
  const database = new Database(path);
  database.pragma('journal_mode = WAL');
  const columns: readonly (keyof Row)[] = [
    'id',
    'ref',
    'type',
    'number',
    'amount',
    'status',
    'upstreamStatus',
    'cardCode',
    'transactionNumber',
    'processedAt',
    'createdAt',
  ];
  const types = columns.map((name) => (name === 'amount' ? 'amount REAL' : `${name} TEXT`));
  database.exec(`CREATE TABLE topups (${types.join(', ')}, PRIMARY KEY (id))`);
  const places = columns.map((name) => `@${name}`).join(', ');
  const insert = database.prepare(`INSERT INTO topups VALUES (${places})`);
  database.transaction(() => {
    for (let index = 0; index < orders; index += 1) insert.run(rowOf(index));
  })();
  database.close();
}
