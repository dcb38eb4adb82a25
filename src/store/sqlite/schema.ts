import type { TopupStatus } from '../../core/topup.ts';
import { index, integer, primaryKey, real, sql, sqliteTable, text } from './drizzle.ts';

/**
 * All times are Unix milliseconds. After a change here: `npm run migrations`, and commit what it writes.
 *
 * Snapshots and orders are WITHOUT ROWID, which Drizzle knows nothing of: a migration that makes either table anew
 * must say so by hand.
 */

/** What an observation may tell, in the log and in the copy beside the order. */
function told() {
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

/** The log, append-only: the gateway updates and deletes no row. Only `npm run prune` removes old ones. */
export const snapshots = sqliteTable(
  'snapshots',
  {
    orderId: text('order_id').notNull(),
    version: integer('version').notNull(),
    upstreamStatus: text('upstream_status').notNull(),
    observedAt: integer('observed_at').notNull(),
    ...told(),
    createdAt: integer('created_at'),
  },
  (table) => [primaryKey({ columns: [table.orderId, table.version] })],
);

/** One row for each order ever observed: its schedule, and its latest snapshot. */
export const orders = sqliteTable(
  'orders',
  {
    orderId: text('order_id').primaryKey(),
    /** Of the log, which decides. */
    latestVersion: integer('latest_version').notNull(),
    /** Our word for the latest snapshot's status, here so that an index can leave settled orders out. */
    status: text('status').$type<TopupStatus>().notNull(),
    statusSince: integer('status_since').notNull(),
    trackedSince: integer('tracked_since').notNull(),
    checkedAt: integer('checked_at').notNull(),
    dueAt: integer('due_at'),
    /** When the upstream took the order, here so that a sweep finds the orders of its window. */
    createdAt: integer('created_at'),
    failures: integer('failures').notNull(),
    /**
     * Of which version the columns below are a copy, with `createdAt` above: so one search finds an order with its
     * latest snapshot. They count only where it is the latest; what else has the database open may not know them.
     */
    copiedVersion: integer('copied_version'),
    upstreamStatus: text('upstream_status'),
    observedAt: integer('observed_at'),
    ...told(),
  },
  (table) => [
    index('orders_due').on(table.dueAt, table.orderId).where(sql`${table.dueAt} is not null`),
    index('orders_created')
      .on(table.createdAt, table.orderId)
      .where(sql`${table.dueAt} is not null`),
    // Settled ones too, since a list shows them: tells how many orders a page of it holds.
    index('orders_listed').on(table.createdAt),
    // All that the census reads, so that it never touches the table.
    index('orders_unsettled')
      .on(table.status, table.statusSince, table.dueAt)
      .where(sql`${table.status} not in ('FULFILLED', 'REFUNDED')`),
  ],
);

/**
 * SQLite takes a partial index only for a query that repeats its condition word for word, literals
 * included: a parameter in their place would scan every order.
 */
export const isUnsettled = sql`${orders.status} not in ('FULFILLED', 'REFUNDED')`;

export const notes = sqliteTable('notes', {
  name: text('name').primaryKey(),
  value: text('value').notNull(),
});

/** The log's identity, apart from the notes so that no note can overwrite it. */
export const log = sqliteTable('log', {
  /** Always 1: there is one log in a database. */
  only: integer('only').primaryKey(),
  id: text('id').notNull(),
});
