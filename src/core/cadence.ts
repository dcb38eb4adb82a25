import type { Order, Planner, Reschedule, UnplannedOrder } from './store.ts';
import { isSettled, statusOf } from './topup.ts';

/**
 * How often an order is worth asking about. Pure; all durations are milliseconds.
 *
 * The upstream states 3 to 45 s for HANDLING and 12 to 48 h for QUEUED, and never promises either.
 */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** In progress for longer than this is out of the ordinary, and shown as overdue. */
export const OVERDUE_AFTER_MS = 5 * MINUTE_MS;

/** An order without an end for this long is abandoned until somebody asks for it again. */
export const ABANDON_AFTER_MS = 7 * DAY_MS;

/** Never more than one check a second of one order; lists may show it beside others at any time. */
export const SHORTEST_INTERVAL_MS = SECOND_MS;

/** How old an order in progress may grow on a busy key before its state counts as stale. */
const BUSY_INTERVAL_MS = 5 * SECOND_MS;

/** Room for the call itself, before a check counts as missed. */
const STALE_GRACE_MS = 2 * SECOND_MS;

const PARKED_FIRST_MS = 12 * HOUR_MS;
const PARKED_INTERVAL_MS = HOUR_MS;
const PARKED_WATCHED_INTERVAL_MS = 5 * MINUTE_MS;

/** The longer an order has been in progress, the less a single call is likely to find. */
const IN_PROGRESS_STEPS: readonly { readonly untilMs: number; readonly intervalMs: number }[] = [
  { untilMs: 15 * MINUTE_MS, intervalMs: SHORTEST_INTERVAL_MS },
  { untilMs: HOUR_MS, intervalMs: 30 * SECOND_MS },
  { untilMs: 6 * HOUR_MS, intervalMs: MINUTE_MS },
  { untilMs: DAY_MS, intervalMs: 5 * MINUTE_MS },
  { untilMs: Number.POSITIVE_INFINITY, intervalMs: 30 * MINUTE_MS },
];

const FIRST_RETRY_MS = SECOND_MS;
const LONGEST_RETRY_MS = 5 * MINUTE_MS;

export function isParked(order: UnplannedOrder): boolean {
  return statusOf(order.latest.upstreamStatus) === 'QUEUED';
}

export function isInProgress(order: UnplannedOrder): boolean {
  return !isSettled(order.latest.upstreamStatus) && !isParked(order);
}

/** The moment after which an order has been in progress for longer than the upstream ever states; never for others. */
export function overdueAfter(order: UnplannedOrder): number {
  return isInProgress(order) ? order.statusSince + OVERDUE_AFTER_MS : Number.POSITIVE_INFINITY;
}

/** Given up: not settled, and not asked about any more. A query wakes it. */
export function isAbandoned(order: Order): boolean {
  return order.dueAt === null && !isSettled(order.latest.upstreamStatus);
}

/** Somebody asks for an abandoned order: it is due at once, and tracked anew from `now` on. */
export function woken(order: Order, now: number): Reschedule {
  return { dueAt: now, failures: order.failures, trackedSince: now };
}

/**
 * When to ask again after a good check. A watcher brings a parked order forward; an order in progress is
 * asked as often as the budget allows either way. `null` for a settled order, and for one that nobody
 * watches and that found no end in seven days.
 */
export function planner(watched: boolean, { pace = steadyPace, askedAt }: Paced = {}): Planner {
  return (order) => {
    if (isSettled(order.latest.upstreamStatus)) return null;
    if (!watched && order.checkedAt - order.trackedSince > ABANDON_AFTER_MS) return null;
    if (isParked(order)) return parkedDueAt(order, watched);
    const delayMs = pace(order, inProgressIntervalMs(order.checkedAt - order.statusSince));
    // A clock that was set back meanwhile must not put it off.
    const fromMs = Math.min(askedAt ?? order.checkedAt, order.checkedAt);
    return Math.max(order.checkedAt, fromMs + delayMs);
  };
}

export interface Paced {
  readonly pace?: Pace;
  /** When the call of that check started, from which delays count. Unix milliseconds; when it ended, if left out. */
  readonly askedAt?: number;
}

/**
 * How long to leave an order in progress after a check, in milliseconds: at least `leastMs`, longer where
 * an answer is unlikely or calls are dear.
 */
export type Pace = (order: UnplannedOrder, leastMs: number) => number;

const steadyPace: Pace = (_order, leastMs) => leastMs;

function parkedDueAt(order: UnplannedOrder, watched: boolean): number {
  if (watched) return order.checkedAt + PARKED_WATCHED_INTERVAL_MS;
  return Math.max(order.statusSince + PARKED_FIRST_MS, order.checkedAt + PARKED_INTERVAL_MS);
}

function inProgressIntervalMs(ageMs: number): number {
  const step = IN_PROGRESS_STEPS.find(({ untilMs }) => ageMs <= untilMs);
  return step?.intervalMs ?? LONGEST_RETRY_MS;
}

/**
 * The moment after which what we hold is older than it should be, if nothing is heard of the order: its last
 * check failed, or is long due because the budget went elsewhere.
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
 * Until when a query takes what the log holds for an answer: a settled order for ever, others until they were
 * last checked `maxAgeMs` ago (5 s without it, 5 min for a parked one). 0 takes nothing.
 */
export function freshUntil(
  { latest, checkedAt }: Pick<Order, 'latest' | 'checkedAt'>,
  maxAgeMs?: number,
): number {
  const status = statusOf(latest.upstreamStatus);
  if (status === 'FULFILLED' || status === 'REFUNDED') return Number.POSITIVE_INFINITY;
  const ageMs = maxAgeMs ?? (status === 'QUEUED' ? FRESH_PARKED_MS : FRESH_MS);
  return ageMs > 0 ? checkedAt + ageMs : Number.NEGATIVE_INFINITY;
}

/**
 * How long to wait after the nth failed check in a row: full jitter over a doubling range, so that many
 * orders that failed together do not come back together.
 */
export function retryDelayMs(failures: number, random: number): number {
  const range = Math.min(FIRST_RETRY_MS * 2 ** failures, LONGEST_RETRY_MS);
  return SHORTEST_INTERVAL_MS + Math.floor(random * range);
}
