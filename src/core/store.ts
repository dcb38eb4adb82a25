import type { Observation, Snapshot, TopupStatus } from './topup.ts';

/** The schedule of one order. All times are Unix milliseconds. */
export interface Tracking {
  /** When the order took its present status, as well as we know: the upstream's own creation time for the first. */
  readonly statusSince: number;
  /** When somebody began to care: moved when a query wakes an abandoned order. */
  readonly trackedSince: number;
  /** When the upstream last confirmed the latest snapshot. */
  readonly checkedAt: number;
  /** When to ask again; `null` once settled, and for an order that was abandoned. */
  readonly dueAt: number | null;
  /** Failed checks since the last good one. */
  readonly failures: number;
}

export interface Order extends Tracking {
  readonly latest: Snapshot;
}

/** An order after a check, before it is decided when it is due again. */
export type UnplannedOrder = Omit<Order, 'dueAt'>;

export interface Recorded {
  readonly order: Order;
  /** The order as it stood before; `undefined` for one that was seen for the first time. */
  readonly before: Order | undefined;
  /** The snapshot that this observation added, if it differed from the one before. */
  readonly appended: Snapshot | undefined;
}

/** Decides when an order is due again. Pure: it may be called within a transaction. */
export type Planner = (order: UnplannedOrder) => number | null;

export interface Range {
  /** Only versions above this one. */
  readonly after?: number | undefined;
  /** Only versions below this one. */
  readonly before?: number | undefined;
  readonly limit: number;
  /** Which end of the range the limit counts from. The answer is oldest first either way. */
  readonly from: 'oldest' | 'newest';
}

/**
 * All snapshots, append-only: the only source of truth and of events. Of a settled order the first ones may have
 * been removed, never the last; versions keep their numbers.
 */
export interface SnapshotLog {
  /** Made with the log, and never again: a cursor that carries another belongs to another log. */
  readonly logId: string;

  /**
   * Takes an observation down, in one transaction with the order's schedule. Appends a snapshot where it
   * differs from the latest (see `nextSnapshot`), else moves `checkedAt`. Clears `failures`. Concurrent
   * calls for one order are serialised: versions have no hole and none is used twice. Rings after the
   * commit, if it appended.
   */
  record(observation: Observation, plan: Planner): Promise<Recorded>;

  /** The same for many orders at once, in one transaction: what one `list` call showed. */
  recordAll(observations: readonly Observation[], plan: Planner): Promise<readonly Recorded[]>;

  /** An order's latest snapshot and schedule; `undefined` for one that was never observed. */
  find(orderId: string): Promise<Order | undefined>;

  /** Snapshots of one order, oldest first. */
  read(orderId: string, range: Range): Promise<readonly Snapshot[]>;

  /**
   * Calls `ring` after each commit that appended to this order. A ring carries no data and may be late or
   * spurious: it only says "read on from your cursor". Returns a function that takes the bell down. It is told which
   * order it is, so that one function can be the bell of all.
   */
  onAppend(orderId: string, ring: (orderId: string) => void): () => void;

  /**
   * Calls `written` for each order that this process wrote anything of: what was recorded, or `undefined` for no more
   * than a place in the schedule. Right after the commit, before any bell rings and before whoever wrote goes on, so that
   * nobody who reads afterwards can be given what was remembered from before. Returns a function that ends it.
   */
  onWrite(written: (orderId: string, recorded: Recorded | undefined) => void): () => void;
}

export interface Reschedule {
  readonly dueAt: number | null;
  readonly failures: number;
  readonly trackedSince?: number;
}

/** What is tracked, for the `gateway` query and the metrics. */
export interface Census {
  /** Orders that are not settled and not abandoned. */
  readonly tracked: Readonly<Record<Exclude<TopupStatus, 'FULFILLED' | 'REFUNDED'>, number>>;
  /** Tracked orders that are in progress since before `overdueBefore`. */
  readonly overdue: number;
  /** Orders that were given up after days without an end; a query wakes one. */
  readonly abandoned: number;
}

export interface Schedule {
  /** Changes an order's schedule; does nothing to an order that is settled or was never observed. */
  reschedule(orderId: string, change: Reschedule): Promise<void>;

  /** Orders due at or before `before`, the longest due first. */
  due(query: { readonly before: number; readonly limit: number }): Promise<readonly Order[]>;

  /** Tracked orders by when the upstream took them, the latest first; those of unknown age left out. */
  createdWithin(query: {
    readonly from: number;
    readonly to: number;
    readonly limit: number;
  }): Promise<readonly Order[]>;

  /**
   * When the upstream took the orders between these bounds, both inclusive, the earliest first: of all orders,
   * settled and abandoned ones too, as a list would show them.
   */
  creationTimes(query: { readonly from: number; readonly to: number }): Promise<readonly number[]>;

  census(query: { readonly overdueBefore: number }): Promise<Census>;
}

/** A few small facts that must survive a restart. */
export interface Notebook {
  note(name: string, value: string): Promise<void>;
  /** `undefined` where nothing was noted under that name. */
  recall(name: string): Promise<string | undefined>;
}

/**
 * The store. Asynchronous, although SQLite answers at once, so that a database at the other end of a
 * socket fits the same interface. Every implementation passes the suite in `test/conformance`.
 */
export interface Store extends SnapshotLog, Schedule, Notebook {
  /** Flushes and closes. Nothing may be called afterwards. */
  close(): Promise<void>;
}
