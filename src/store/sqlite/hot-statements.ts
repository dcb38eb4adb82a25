import type Database from 'better-sqlite3';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { Tracking } from '../../core/store.ts';
import { getTableColumns } from './drizzle.ts';
import type { OrderRow, SnapshotRow } from './rows.ts';
import { orders, snapshots } from './schema.ts';

/** An order's new schedule, after a check that brought nothing new. */
type CheckRow = Tracking & { readonly orderId: string };

/**
 * The prepared statements that run for every query and every event. They use only the column names of Drizzle's
 * schema: Drizzle takes longer to map parameters and rows than SQLite takes to run the statement.
 */
export type HotStatements = ReturnType<typeof prepareHotStatements>;

export function prepareHotStatements(database: Database.Database) {
  return {
    find: database.prepare<[orderId: string], OrderRow>(
      `SELECT ${selected(orders)} FROM orders WHERE order_id = ?`,
    ),
    append: database.prepare<[SnapshotRow]>(`INSERT INTO snapshots ${inserted(snapshots)}`),
    saveOrder: database.prepare<[OrderRow]>(
      `INSERT INTO orders ${inserted(orders)} ON CONFLICT (order_id) DO UPDATE SET ${replaced(orders)}`,
    ),
    saveCheck: database.prepare<[CheckRow]>(
      `UPDATE orders SET status_since = @statusSince, tracked_since = @trackedSince,
         checked_at = @checkedAt, due_at = @dueAt, failures = @failures
       WHERE order_id = @orderId`,
    ),
  };
}

function columnsOf(table: SQLiteTable): readonly { readonly key: string; readonly name: string }[] {
  return Object.entries(getTableColumns(table)).map(([key, { name }]) => ({ key, name }));
}

function selected(table: SQLiteTable): string {
  return columnsOf(table)
    .map(({ key, name }) => `${name} AS ${key}`)
    .join(', ');
}

function inserted(table: SQLiteTable): string {
  const columns = columnsOf(table);
  const names = columns.map(({ name }) => name).join(', ');
  return `(${names}) VALUES (${columns.map(({ key }) => `@${key}`).join(', ')})`;
}

function replaced(table: SQLiteTable): string {
  return columnsOf(table)
    .map(({ name }) => `${name} = excluded.${name}`)
    .join(', ');
}
