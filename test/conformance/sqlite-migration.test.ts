import { join } from 'node:path';
import Database from 'better-sqlite3';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { expect } from 'vitest';
import { test } from './sqlite/folder.ts';
import { inOneSecond, ORDER, observed, T0, versions } from './store/observations.ts';

const MIGRATIONS = join(import.meta.dirname, '../../drizzle/sqlite');
const EVERYTHING = { limit: 1_000, from: 'oldest' } as const;

/**
 * A database as a version left it that had no more than so many migrations: with three, rows by number; with four,
 * no snapshot beside its order.
 */
function fromBefore(path: string, migrations: number): void {
  const database = new Database(path);
  database.exec(
    'CREATE TABLE __drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric)',
  );
  const applied = database.prepare(
    'INSERT INTO __drizzle_migrations (hash, created_at) VALUES (?, ?)',
  );
  for (const { sql, hash, folderMillis } of readMigrationFiles({
    migrationsFolder: MIGRATIONS,
  }).slice(0, migrations)) {
    for (const statement of sql) database.exec(statement);
    applied.run(hash, folderMillis);
  }
  database.exec(`
    INSERT INTO log VALUES (1, 'log-of-before');
    INSERT INTO notes VALUES ('upstream', 'the simulator');
    INSERT INTO snapshots (order_id, version, upstream_status, observed_at, ref, amount, created_at) VALUES
      ('${ORDER}', 2, 'QUEUED', ${T0 + 2}, 'r', 1000.5, ${T0}),
      ('${ORDER}', 1, 'HANDLING', ${T0 + 1}, 'r', 1000.5, ${T0}),
      ('0-other', 1, 'FULFILLED', ${T0}, NULL, NULL, NULL);
    INSERT INTO orders (order_id, latest_version, status, status_since, tracked_since, checked_at, due_at, failures, created_at) VALUES
      ('${ORDER}', 2, 'QUEUED', ${T0 + 2}, ${T0 + 1}, ${T0 + 3}, ${T0 + 50}, 4, ${T0}),
      ('0-other', 1, 'FULFILLED', ${T0}, ${T0}, ${T0}, NULL, 0, NULL);
  `);
  database.close();
}

/** What lies beside the orders. */
function copies(path: string): unknown[] {
  const database = new Database(path, { readonly: true });
  const columns = 'order_id, copied_version, upstream_status, ref';
  const rows = database.prepare(`SELECT ${columns} FROM orders ORDER BY order_id`).all();
  database.close();
  return rows;
}

test.for([
  ['rows lay by their keys', 3],
  ['the latest snapshot lay beside its order', 4],
] as const)(
  'a database from before %s opens with all that it held',
  async ([_when, migrations], { open, path }) => {
    fromBefore(path, migrations);
    const store = await open();
    expect(copies(path)).toEqual([
      { order_id: '0-other', copied_version: 1, upstream_status: 'FULFILLED', ref: null },
      { order_id: ORDER, copied_version: 2, upstream_status: 'QUEUED', ref: 'r' },
    ]);
    expect(store.logId).toBe('log-of-before');
    expect(await store.recall('upstream')).toBe('the simulator');
    expect(await store.find(ORDER)).toEqual({
      latest: {
        ...observed({
          upstreamStatus: 'QUEUED',
          observedAt: T0 + 2,
          ref: 'r',
          amount: 1000.5,
          createdAt: T0,
        }),
        version: 2,
      },
      statusSince: T0 + 2,
      trackedSince: T0 + 1,
      checkedAt: T0 + 3,
      dueAt: T0 + 50,
      failures: 4,
    });
    expect(versions(await store.read(ORDER, EVERYTHING))).toEqual([1, 2]);
    expect((await store.find('0-other'))?.latest.upstreamStatus).toBe('FULFILLED');
    expect(await store.due({ before: T0 + 50, limit: 9 })).toHaveLength(1);
    expect(await store.creationTimes({ from: T0, to: T0 })).toEqual([T0]);
    const { appended } = await store.record(
      observed({ upstreamStatus: 'REFUNDED', observedAt: T0 + 60 }),
      inOneSecond,
    );
    expect(appended?.version).toBe(3);
  },
);
