import type { Observation, Snapshot, TopupStatus } from './topup.ts';

/** The schedule of one order. All times are Unix milliseconds. */
export interface Tracking {
  /** When the order entered its present status, as far as known: for its first status, when the upstream created it. */
  readonly statusSince: number;
  /** When tracking began; reset when an abandoned order is woken, and by a check that comes far too late. */
  readonly trackedSince: number;
  /** When the upstream last confirmed the latest snapshot. */
  readonly checkedAt: number;
  /** When the next check is due; `null` for a settled or abandoned order. */
  readonly dueAt: number | null;
  /** Failed checks since the last successful one. */
  readonly failures: number;
}

export interface Order extends Tracking {
  readonly latest: Snapshot;
}

/** An order after a check, before its next check is planned. */
export type UnplannedOrder = Omit<Order, 'dueAt'>;

export interface Recorded {
  readonly order: Order;
  /** The order as it was before; `undefined` for an order that was observed for the first time. */
  readonly before: Order | undefined;
  /** The snapshot that this observation added; `undefined` if it brought nothing new. */
  readonly appended: Snapshot | undefined;
}

/** Returns when an order's next check is due, or `null` for none. Pure: it may be called within a transaction. */
export type Planner = (order: UnplannedOrder) => number | null;

export interface Range {
  /** Only versions above this one. */
  readonly after?: number | undefined;
  /** Only versions below this one. */
  readonly before?: number | undefined;
  readonly limit: number;
  /** Which end of the range the limit counts from. The result is oldest first either way. */
  readonly from: 'oldest' | 'newest';
}

/**
 * All snapshots, append-only: the only source of truth and of events. The oldest snapshots of a settled order may
 * have been removed, but never its latest one; the remaining snapshots keep their version numbers.
 */
export interface SnapshotLog {
  /** Fixed when the log is created: a cursor with a different id belongs to a different log. */
  readonly logId: string;

  /**
   * Records an observation and the order's new schedule in one transaction. Appends a snapshot if the observation
   * differs from the latest one (see `nextSnapshot`), otherwise only moves `checkedAt`. Clears `failures`.
   * Concurrent calls for one order are serialised: its versions have no gaps and no duplicates. If it appended a
   * snapshot, rings the order's bells after the commit. Ignores an observation older than the last check.
   */
  record(observation: Observation, plan: Planner): Promise<Recorded>;

  /** Records the observations of many orders in one transaction: what one `list` call showed. */
  recordAll(observations: readonly Observation[], plan: Planner): Promise<readonly Recorded[]>;

  /** An order's latest snapshot and schedule; `undefined` for an order that was never observed. */
  find(orderId: string): Promise<Order | undefined>;

  /** Snapshots of one order, oldest first. */
  read(orderId: string, range: Range): Promise<readonly Snapshot[]>;

  /**
   * Calls `ring` after each commit that appended a snapshot to this order. A ring carries no snapshot and may be late
   * or spurious: it only says "read on from your cursor". `ring` receives the order's id, so that one function can
   * serve many orders. Returns a function that removes the bell.
   */
  onAppend(orderId: string, ring: (orderId: string) => void): () => void;

  /**
   * Calls `written` for each order that this process has written: with what was recorded, or with `undefined` if only
   * its schedule changed. The call comes right after the commit, before any bell rings and before the write resolves,
   * so that no later reader is served a cache entry from before the write. Returns a function that removes the
   * listener.
   */
  onWrite(written: (orderId: string, recorded: Recorded | undefined) => void): () => void;
}

export interface Reschedule {
  readonly dueAt: number | null;
  readonly failures: number;
  readonly trackedSince?: number;
}

/** Counts of unsettled orders, for the `gateway` query and the metrics. */
export interface Census {
  /** Orders that are neither settled nor abandoned, by status. */
  readonly tracked: Readonly<Record<Exclude<TopupStatus, 'FULFILLED' | 'REFUNDED'>, number>>;
  /** Tracked orders that have been in progress since before `overdueBefore`. */
  readonly overdue: number;
  /** Orders given up after days without settling; a query or a subscription wakes such an order. */
  readonly abandoned: number;
}

/** Creation times, Unix milliseconds, both inclusive. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

export interface Schedule {
  /** Changes an order's schedule; does nothing for an order that is settled or was never observed. */
  reschedule(orderId: string, change: Reschedule): Promise<void>;

  /**
   * To be called after the system's clock was set back to `now`, perhaps while no process ran. Makes due what would
   * else wait until the clock has caught up: the unsettled orders that were checked after `now`, and those that wait
   * after a failed check. None counts as checked after `now` any more, so that new observations are not taken for old
   * ones.
   */
  clockSetBack(now: number): Promise<void>;

  /**
   * Orders due at or before `before`, the longest-due first: up to `limit` that are parked, and up to as many others,
   * so that no number of parked orders hides one in progress.
   */
  due(query: { readonly before: number; readonly limit: number }): Promise<readonly Order[]>;

  /**
   * Tracked orders that the upstream created in this window, the newest first. Leaves out orders whose creation time is
   * unknown.
   */
  createdWithin(query: Window & { readonly limit: number }): Promise<readonly Order[]>;

  /**
   * The upstream's creation times in this window, the earliest first. Counts all orders, settled and abandoned ones
   * too, since a list shows those as well.
   */
  creationTimes(window: Window): Promise<readonly number[]>;

  census(query: { readonly overdueBefore: number }): Promise<Census>;
}

/** A few small facts that must survive a restart. */
export interface Notebook {
  note(name: string, value: string): Promise<void>;
  /** `undefined` if nothing was noted under that name. */
  recall(name: string): Promise<string | undefined>;
}

/**
 * The store. Its methods are asynchronous although SQLite is not, so that a database behind a socket fits the same
 * interface. Every implementation passes the suite in `test/conformance`.
 */
export interface Store extends SnapshotLog, Schedule, Notebook {
  /** Flushes and closes the store. No reads or writes may follow. */
  close(): Promise<void>;
}
