import type Database from 'better-sqlite3';

/** Orders looked at in one transaction: some milliseconds, which is how long a gateway waits with a write. */
const BATCH = 200;

export interface Pruned {
  /** Settled orders that lost snapshots. */
  readonly orders: number;
  readonly snapshots: number;
}

export interface PruneOptions {
  /** Unix milliseconds: only snapshots first seen before go. */
  readonly before: number;
  /** Counts what would go, and leaves it. */
  readonly isDryRun: boolean;
  /**
   * Waited for after each batch, so that the gateway, which waits for the lock with all its clients, gets its turn.
   *
   * @param total so far.
   * @param tookMs how long the batch held the lock.
   */
  readonly pause: (total: Pruned, tookMs: number) => Promise<void>;
}

interface Row {
  readonly orderId: string;
  readonly latestVersion: number;
  readonly isSettled: 0 | 1;
}

/**
 * Removes the old snapshots of settled orders, but never an order's last: it is what a query is answered with for
 * good. What goes is always the beginning of an order's part of the log, so versions keep their numbers, and a
 * cursor that stood there goes on with the first snapshot that is left.
 *
 * In small transactions beside whatever else writes. It can be interrupted at any point and run again: what is
 * gone is gone, and the rest is whole.
 */
export async function prune(database: Database.Database, options: PruneOptions): Promise<Pruned> {
  // What is removed is filled with zeros, as the gateway does it.
  database.pragma('secure_delete = ON');
  const next = batches(database, options);
  const total = { orders: 0, snapshots: 0 };
  let after = '';
  for (;;) {
    const from = performance.now();
    const { last, pruned } = next(after);
    if (last === undefined) return total;
    after = last;
    total.orders += pruned.orders;
    total.snapshots += pruned.snapshots;
    await options.pause(total, performance.now() - from);
  }
}

interface Batch {
  readonly pruned: Pruned;
  /** The last order looked at; `undefined` once there is none. */
  readonly last: string | undefined;
}

/** Goes through all orders by their ids, settled or not: so each batch costs alike, wherever it is. */
function batches(
  database: Database.Database,
  { before, isDryRun }: PruneOptions,
): (after: string) => Batch {
  const select = database.prepare<[string, number], Row>(
    `SELECT order_id AS orderId, latest_version AS latestVersion,
       status IN ('FULFILLED', 'REFUNDED') AS isSettled
     FROM orders WHERE order_id > ? ORDER BY order_id LIMIT ?`,
  );
  const which = 'FROM snapshots WHERE order_id = ? AND version < ? AND observed_at < ?';
  const count = database.prepare<[string, number, number], number>(`SELECT count(*) ${which}`);
  const remove = database.prepare<[string, number, number]>(`DELETE ${which}`);
  const pruneOne = ({ orderId, latestVersion }: Row): number =>
    isDryRun
      ? (count.pluck().get(orderId, latestVersion, before) ?? 0)
      : remove.run(orderId, latestVersion, before).changes;
  const work = database.transaction((after: string): Batch => {
    const rows = select.all(after, BATCH);
    const counts = rows.filter(({ isSettled }) => isSettled === 1).map(pruneOne);
    const snapshots = counts.reduce((sum, removed) => sum + removed, 0);
    const orders = counts.filter((removed) => removed > 0).length;
    return { pruned: { orders, snapshots }, last: rows.at(-1)?.orderId };
  });
  // A dry run takes no lock that another writer would wait for.
  return isDryRun ? work.deferred : work.immediate;
}
