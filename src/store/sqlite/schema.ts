import type { TopupStatus } from '../../core/topup.ts';
import { index, integer, primaryKey, real, sql, sqliteTable, text } from './drizzle.ts';

/**
 * All times are Unix milliseconds. After a change here, run `npm run migrations` and commit the generated files.
 *
 * The tables `snapshots` and `orders` are WITHOUT ROWID, which Drizzle does not support: a migration that recreates
 * either table needs that clause added by hand.
 */

/** The columns of an observation's details, used by the log and by the copy in the `orders` table. */
function details() {
  return {
    ref: text('ref'),
    type: text('type'),
    number: text('number'),
    amount: real('amount'),
    cardCode: text('card_code'),
    transactionNumber: text('transaction_number'),
    processedAt: integer('processed_at'),
    refundMessage: text('refund_message'),
  };
}

/** The log, append-only: the gateway updates and deletes no row. Only `npm run prune` removes old rows. */
export const snapshots = sqliteTable(
  'snapshots',
  {
    orderId: text('order_id').notNull(),
    version: integer('version').notNull(),
    upstreamStatus: text('upstream_status').notNull(),
    observedAt: integer('observed_at').notNull(),
    ...details(),
    createdAt: integer('created_at'),
  },
  (table) => [primaryKey({ columns: [table.orderId, table.version] })],
);

/** One row for each order ever observed: its schedule, and its latest snapshot. */
export const orders = sqliteTable(
  'orders',
  {
    orderId: text('order_id').primaryKey(),
    /** The version of the latest snapshot in the log. */
    latestVersion: integer('latest_version').notNull(),
    /** The latest snapshot's `TopupStatus`, stored here so that an index can leave out settled orders. */
    status: text('status').$type<TopupStatus>().notNull(),
    statusSince: integer('status_since').notNull(),
    trackedSince: integer('tracked_since').notNull(),
    checkedAt: integer('checked_at').notNull(),
    dueAt: integer('due_at'),
    /** When the upstream created the order, stored here so that a sweep finds the orders of its window. */
    createdAt: integer('created_at'),
    failures: integer('failures').notNull(),
    /**
     * The version that `createdAt` above and the columns below are copied from: so one lookup finds an order with its
     * latest snapshot. The copy is valid only if this equals `latestVersion`: an older program that writes to the
     * database does not update it.
     */
    copiedVersion: integer('copied_version'),
    upstreamStatus: text('upstream_status'),
    observedAt: integer('observed_at'),
    ...details(),
  },
  (table) => [
    // Parked orders have an index of their own: the others must be found however many of those are due.
    index('orders_due_parked')
      .on(table.dueAt, table.orderId)
      .where(sql`${table.dueAt} is not null and ${table.status} = 'QUEUED'`),
    index('orders_due_others')
      .on(table.dueAt, table.orderId)
      .where(sql`${table.dueAt} is not null and ${table.status} <> 'QUEUED'`),
    index('orders_created')
      .on(table.createdAt, table.orderId)
      .where(sql`${table.dueAt} is not null`),
    // Includes settled orders, since a list shows those too: counts how many orders a page of a list holds.
    index('orders_listed').on(table.createdAt),
    // Covers all columns that the census reads, so that it never touches the table.
    index('orders_unsettled')
      .on(table.status, table.statusSince, table.dueAt)
      .where(sql`${table.status} not in ('FULFILLED', 'REFUNDED')`),
  ],
);

/**
 * SQLite uses a partial index only for a query that repeats the index's condition word for word, literals included: a
 * parameter in place of a literal would make it scan every order.
 */
export const isUnsettled = sql`${orders.status} not in ('FULFILLED', 'REFUNDED')`;
export const isParked = sql`${orders.status} = 'QUEUED'`;
export const isNotParked = sql`${orders.status} <> 'QUEUED'`;

export const notes = sqliteTable('notes', {
  name: text('name').primaryKey(),
  value: text('value').notNull(),
});

/** The log's id, in a table of its own so that no note can overwrite it. */
export const log = sqliteTable('log', {
  /** Always 1: there is one log in a database. */
  only: integer('only').primaryKey(),
  id: text('id').notNull(),
});
