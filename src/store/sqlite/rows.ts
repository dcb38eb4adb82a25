import type { Order } from '../../core/store.ts';
import { type Snapshot, statusOf } from '../../core/topup.ts';
import type { orders, snapshots } from './schema.ts';

/** A row of the log; its card code is sealed. */
export type SnapshotRow = typeof snapshots.$inferSelect;

export type OrderRow = typeof orders.$inferSelect;

/** The copy of the latest snapshot in an order's row; `undefined` if the copy is not of the latest version. */
export function copyIn(row: OrderRow): SnapshotRow | undefined {
  const { upstreamStatus, observedAt, latestVersion } = row;
  const isLatest = row.copiedVersion === latestVersion;
  if (!isLatest || upstreamStatus === null || observedAt === null) return undefined;
  return {
    orderId: row.orderId,
    version: latestVersion,
    upstreamStatus,
    observedAt,
    ref: row.ref,
    type: row.type,
    number: row.number,
    amount: row.amount,
    cardCode: row.cardCode,
    transactionNumber: row.transactionNumber,
    processedAt: row.processedAt,
    refundMessage: row.refundMessage,
    createdAt: row.createdAt,
  };
}

export function orderOf(row: OrderRow, latest: Snapshot): Order {
  const { statusSince, trackedSince, checkedAt, dueAt, failures } = row;
  return { latest, statusSince, trackedSince, checkedAt, dueAt, failures };
}

/** The row of an order; `latest` is its latest snapshot as the log stores it, with a sealed card code. */
export function rowOf(order: Order, latest: SnapshotRow): OrderRow {
  const { statusSince, trackedSince, checkedAt, dueAt, failures } = order;
  const { version, ...copy } = latest;
  return {
    ...copy,
    latestVersion: version,
    copiedVersion: version,
    status: statusOf(latest.upstreamStatus),
    statusSince,
    trackedSince,
    checkedAt,
    dueAt,
    failures,
  };
}
