import type Database from 'better-sqlite3';

/** Orders per transaction. One takes some milliseconds, for which a running gateway must wait with its writes. */
const BATCH = 200;

export interface Pruned {
  /** Settled orders that lost snapshots. */
  readonly orders: number;
  readonly snapshots: number;
}

interface PruneOptions {
  /** Unix milliseconds: only snapshots first seen before this moment are removed. */
  readonly before: number;
  /** Only counts what would be removed. */
  readonly isDryRun: boolean;
  /**
   * Awaited after each batch, so that a running gateway, which blocks while it waits for the lock, gets its turn.
   *
   * @param total what was removed so far.
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
 * Removes the old snapshots of settled orders, but never an order's latest one, which answers all later queries. It
 * always removes an order's first snapshots, so the rest keep their version numbers, and a cursor that points to a
 * removed snapshot continues with the first one left.
 *
 * Works in small transactions, so that it can run beside a gateway. It can be interrupted at any point and run again:
 * each transaction leaves the log consistent.
 */
export async function prune(database: Database.Database, options: PruneOptions): Promise<Pruned> {
  // SQLite overwrites deleted content with zeros, as it does for the gateway.
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
  /** The last order of the batch; `undefined` for an empty batch. */
  readonly last: string | undefined;
}

/** Goes through all orders by id, settled or not, so that all batches cost about the same. */
function batches(
  database: Database.Database,
  { before, isDryRun }: PruneOptions,
): (after: string) => Batch {
  const select = database.prepare<[string, number], Row>(
    `SELECT order_id AS orderId, latest_version AS latestVersion,
       status IN ('FULFILLED', 'REFUNDED') AS isSettled
     FROM orders WHERE order_id > ? ORDER BY order_id LIMIT ?`,
  );
  // All before the first one that is to stay: a later one may seem older, if the system's clock was set back between.
  const which = `FROM snapshots WHERE order_id = @orderId AND version < (
    SELECT min(version) FROM snapshots
    WHERE order_id = @orderId AND (version = @latestVersion OR observed_at >= @before))`;
  const count = database.prepare<[Row & { before: number }], number>(`SELECT count(*) ${which}`);
  const remove = database.prepare<[Row & { before: number }]>(`DELETE ${which}`);
  const pruneOne = (row: Row): number =>
    isDryRun
      ? (count.pluck().get({ ...row, before }) ?? 0)
      : remove.run({ ...row, before }).changes;
  const rewrite = rewriting(database);
  const work = database.transaction((after: string): Batch => {
    const rows = select.all(after, BATCH);
    const settled = rows.filter(({ isSettled }) => isSettled === 1);
    const pruned = settled
      .map((row) => ({ orderId: row.orderId, removed: pruneOne(row) }))
      .filter(({ removed }) => removed > 0);
    if (!isDryRun) rewrite(pruned.map(({ orderId }) => orderId));
    const snapshots = pruned.reduce((sum, { removed }) => sum + removed, 0);
    return { pruned: { orders: pruned.length, snapshots }, last: rows.at(-1)?.orderId };
  });
  // A dry run takes no write lock.
  return isDryRun ? work.deferred : work.immediate;
}

/**
 * Returns a function that writes what is left of these orders anew, close together. Neighbouring orders share pages,
 * and SQLite frees a page only once it is nearly empty. Most orders have two snapshots: to remove the first of each
 * would leave all pages half full, and free none.
 */
function rewriting(database: Database.Database): (orderIds: readonly string[]) => void {
  const read = database.prepare<[string], unknown[]>('SELECT * FROM snapshots WHERE order_id = ?');
  const remove = database.prepare('DELETE FROM snapshots WHERE order_id = ?');
  const values = read.columns().map(() => '?');
  const insert = database.prepare(`INSERT INTO snapshots VALUES (${values.join(', ')})`);
  read.raw();
  return (orderIds) => {
    const left = orderIds.flatMap((orderId) => read.all(orderId));
    for (const orderId of orderIds) remove.run(orderId);
    for (const row of left) insert.run(row);
  };
}
