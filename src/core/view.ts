import { overdueAfter, staleAfter } from './cadence.ts';
import type { Order } from './store.ts';
import { isSettled, type Snapshot } from './topup.ts';

/** One snapshot, and how fresh the gateway's knowledge of its order is. The schema's `Topup`. */
export interface TopupView {
  readonly snapshot: Snapshot;
  readonly checkedAt: number;
  /** `null` for a settled or abandoned order. */
  readonly nextCheckAt: number | null;
  readonly isStale: boolean;
  readonly isOverdue: boolean;
  /** When `isStale` and `isOverdue` become true unless another check succeeds before, Unix milliseconds. */
  readonly turns: { readonly stale: number; readonly overdue: number };
}

const NEVER = { stale: Number.POSITIVE_INFINITY, overdue: Number.POSITIVE_INFINITY };

/** The latest state of an order as of `now`. */
export function viewOf(order: Order, now: number): TopupView {
  const turns = { stale: staleAfter(order), overdue: overdueAfter(order) };
  return {
    snapshot: order.latest,
    checkedAt: order.checkedAt,
    // An order that is already due is checked as soon as the budget allows.
    nextCheckAt: order.dueAt === null ? null : Math.max(order.dueAt, now),
    isStale: now > turns.stale,
    isOverdue: now > turns.overdue,
    turns,
  };
}

/**
 * A snapshot that a later one has replaced, for subscribers that catch up. It was confirmed at least once, when it
 * was first seen. It is neither stale nor overdue.
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
