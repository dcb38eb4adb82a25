import { overdueAfter, staleAfter } from './cadence.ts';
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
  /** When `isStale` and `isOverdue` become true by themselves if nothing is heard of the order. */
  readonly turns: { readonly stale: number; readonly overdue: number };
}

const NEVER = { stale: Number.POSITIVE_INFINITY, overdue: Number.POSITIVE_INFINITY };

/** The latest state of an order as of `now`. */
export function viewOf(order: Order, now: number): TopupView {
  const turns = { stale: staleAfter(order), overdue: overdueAfter(order) };
  return {
    snapshot: order.latest,
    checkedAt: order.checkedAt,
    // What is due already is asked as soon as the budget has a call for it.
    nextCheckAt: order.dueAt === null ? null : Math.max(order.dueAt, now),
    isStale: now > turns.stale,
    isOverdue: now > turns.overdue,
    turns,
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
    turns: NEVER,
  };
}
