import { isOverdue, isStale } from './cadence.ts';
import type { Order } from './store.ts';
import { isSettled, type Snapshot } from './topup.ts';

/** One snapshot, and how fresh our knowledge of its order is. What the schema shows as a `Topup`. */
export interface TopupView {
  readonly snapshot: Snapshot;
  readonly checkedAt: number;
  /** `null` once settled, and for an abandoned order. */
  readonly nextCheckAt: number | null;
  readonly isStale: boolean;
  readonly isOverdue: boolean;
}

/** The latest state of an order as of `now`. */
export function viewOf(order: Order, now: number): TopupView {
  return {
    snapshot: order.latest,
    checkedAt: order.checkedAt,
    // What is due already is asked as soon as the budget has a call for it.
    nextCheckAt: order.dueAt === null ? null : Math.max(order.dueAt, now),
    isStale: isStale(order, now),
    isOverdue: isOverdue(order, now),
  };
}

/**
 * A version that a later one has replaced, for those who catch up. It was confirmed at least when it was
 * first seen, and nothing about it is overdue.
 */
export function viewOfEarlier(snapshot: Snapshot, order: Order): TopupView {
  return {
    snapshot,
    checkedAt: snapshot.observedAt,
    nextCheckAt: isSettled(order.latest.upstreamStatus) ? null : order.dueAt,
    isStale: false,
    isOverdue: false,
  };
}
