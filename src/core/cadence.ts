import { HOUR_MS, MINUTE_MS, SECOND_MS } from './durations.ts';
import type { Order, Planner, Reschedule, UnplannedOrder } from './store.ts';
import { isSettled, statusOf } from './topup.ts';

/**
 * How often an order is worth checking. Pure functions; all durations are milliseconds.
 *
 * The upstream states 3 to 45 s for HANDLING and 12 to 48 h for QUEUED, and guarantees neither.
 */

const DAY_MS = 24 * HOUR_MS;

/** An order in progress for longer than this is unusual, and shown as overdue. */
export const OVERDUE_AFTER_MS = 5 * MINUTE_MS;

/** An order that has not settled for this long is abandoned until a client asks for it again. */
const ABANDON_AFTER_MS = 7 * DAY_MS;

/** One order is checked at most once a second. A list made for other orders may show it at any time. */
export const SHORTEST_INTERVAL_MS = SECOND_MS;

/** On a busy key, how old the last check of an order in progress may grow before its state counts as stale. */
const BUSY_INTERVAL_MS = 5 * SECOND_MS;

/** Allowance for the call itself, before a check counts as missed. */
const STALE_GRACE_MS = 2 * SECOND_MS;

const PARKED_FIRST_MS = 12 * HOUR_MS;
const PARKED_INTERVAL_MS = HOUR_MS;
const PARKED_WATCHED_INTERVAL_MS = 5 * MINUTE_MS;

/** The longer an order has been in progress, the less likely a single call is to find a change. */
const IN_PROGRESS_STEPS: readonly { readonly untilMs: number; readonly intervalMs: number }[] = [
  { untilMs: 15 * MINUTE_MS, intervalMs: SHORTEST_INTERVAL_MS },
  { untilMs: HOUR_MS, intervalMs: 30 * SECOND_MS },
  { untilMs: 6 * HOUR_MS, intervalMs: MINUTE_MS },
  { untilMs: DAY_MS, intervalMs: 5 * MINUTE_MS },
];
const LONGEST_INTERVAL_MS = 30 * MINUTE_MS;

const FIRST_RETRY_MS = SECOND_MS;
export const LONGEST_RETRY_MS = 5 * MINUTE_MS;
/** Shorter than the gate's longest break: when it lets a call through, an order must be due, or nobody asks. */
const LONGEST_RETRY_OF_ONE_MS = 30 * SECOND_MS;
/** If so many orders are to be tried again, one of them is due soon without that. */
export const MANY_RETRIED = LONGEST_RETRY_MS / LONGEST_RETRY_OF_ONE_MS;

export function isParked({ latest }: Pick<Order, 'latest'>): boolean {
  return statusOf(latest.upstreamStatus) === 'QUEUED';
}

export function isInProgress(order: UnplannedOrder): boolean {
  return !isSettled(order.latest.upstreamStatus) && !isParked(order);
}

/** The moment after which an order in progress is overdue, Unix milliseconds; `Infinity` for any other order. */
export function overdueAfter(order: UnplannedOrder): number {
  return isInProgress(order) ? order.statusSince + OVERDUE_AFTER_MS : Number.POSITIVE_INFINITY;
}

/** Given up: not settled, and no longer checked. A query wakes the order. */
export function isAbandoned(order: Order): boolean {
  return order.dueAt === null && !isSettled(order.latest.upstreamStatus);
}

/**
 * Since when an order that is checked at `now` counts as tracked. A check that comes later than planned by as long as
 * it takes to abandon an order says nothing of how long the order takes: the gateway was away, or the system's clock
 * was set forward.
 */
export function trackedSince(order: Order, now: number): number {
  const isLate = order.dueAt !== null && now - order.dueAt > ABANDON_AFTER_MS;
  return isLate ? now : Math.min(order.trackedSince, now);
}

/** The new schedule of an abandoned order that a client asks for: due at once, and tracked anew from `now` on. */
export function woken(order: Order, now: number): Reschedule {
  return { dueAt: now, failures: order.failures, trackedSince: now };
}

/**
 * Plans the next check after a successful one. A parked order is checked more often while it is watched; an
 * order in progress is checked as often as the budget allows, watched or not. The planner returns `null` for a
 * settled order, and for an unwatched order that has not settled in seven days.
 */
export function planner(watched: boolean, { pace = steadyPace, askedAt }: Paced = {}): Planner {
  return (order) => {
    if (isSettled(order.latest.upstreamStatus)) return null;
    if (!watched && order.checkedAt - order.trackedSince > ABANDON_AFTER_MS) return null;
    if (isParked(order)) return parkedDueAt(order, watched);
    const delayMs = pace(order, inProgressIntervalMs(order.checkedAt - order.statusSince));
    // A clock that was set back during the call must not postpone the next check.
    const fromMs = Math.min(askedAt ?? order.checkedAt, order.checkedAt);
    return Math.max(order.checkedAt, fromMs + delayMs);
  };
}

interface Paced {
  readonly pace?: Pace;
  /** When the call of the check started: delays count from here. Unix milliseconds; by default when it ended. */
  readonly askedAt?: number;
}

/**
 * How long to wait between two checks of an order in progress, in milliseconds: at least `leastMs`, longer
 * where the order is unlikely to have settled.
 */
export type Pace = (order: UnplannedOrder, leastMs: number) => number;

const steadyPace: Pace = (_order, leastMs) => leastMs;

function parkedDueAt(order: UnplannedOrder, watched: boolean): number {
  if (watched) return order.checkedAt + PARKED_WATCHED_INTERVAL_MS;
  return Math.max(order.statusSince + PARKED_FIRST_MS, order.checkedAt + PARKED_INTERVAL_MS);
}

function inProgressIntervalMs(ageMs: number): number {
  const step = IN_PROGRESS_STEPS.find(({ untilMs }) => ageMs <= untilMs);
  return step?.intervalMs ?? LONGEST_INTERVAL_MS;
}

/**
 * The moment after which the known state of an order is stale unless another check succeeds, Unix milliseconds.
 * An order is stale because its last check failed, or because its next check is long overdue: the budget went
 * to other orders. `Infinity` for a settled or abandoned order, `-Infinity` after a failed check.
 */
export function staleAfter(order: Order): number {
  if (isSettled(order.latest.upstreamStatus)) return Number.POSITIVE_INFINITY;
  if (order.failures > 0) return Number.NEGATIVE_INFINITY;
  if (isAbandoned(order)) return Number.POSITIVE_INFINITY;
  const planned = Math.max(planner(false)(order) ?? order.checkedAt, order.dueAt ?? 0);
  return Math.max(planned, order.checkedAt + BUSY_INTERVAL_MS) + STALE_GRACE_MS;
}

const FRESH_MS = 5_000;
const FRESH_PARKED_MS = 300_000;

/**
 * Until when a query may be answered from the log, Unix milliseconds: for ever for a settled order, for others
 * until the last check is `maxAgeMs` old (by default 5 s, for a parked order 5 min). With 0, never.
 */
export function freshUntil(order: Pick<Order, 'latest' | 'checkedAt'>, maxAgeMs?: number): number {
  if (isSettled(order.latest.upstreamStatus)) return Number.POSITIVE_INFINITY;
  const ageMs = maxAgeMs ?? (isParked(order) ? FRESH_PARKED_MS : FRESH_MS);
  return ageMs > 0 ? order.checkedAt + ageMs : Number.NEGATIVE_INFINITY;
}

/**
 * The backoff after a number of consecutive failed checks, in milliseconds: full jitter over a doubling range, so that
 * orders whose checks failed together are not retried together. `random` is in [0, 1). `among`: how many orders there
 * are to ask for. Of few, each is tried sooner, so that it is noticed when the upstream answers again.
 */
export function retryDelayMs(failures: number, random: number, among = MANY_RETRIED): number {
  const longestMs = Math.min(LONGEST_RETRY_OF_ONE_MS * among, LONGEST_RETRY_MS);
  const range = Math.min(FIRST_RETRY_MS * 2 ** failures, longestMs);
  return SHORTEST_INTERVAL_MS + Math.floor(random * range);
}
