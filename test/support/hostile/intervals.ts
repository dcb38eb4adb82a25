import { planner } from '../../../src/core/cadence.ts';
import type { Order } from '../../../src/core/store.ts';
import type { RecordedCall, RecordedPlan, Run } from './record.ts';

/**
 * How late a check may be.
 *
 * After each check the order's next check is planned: its interval is the time until that is due. Each tracked order
 * needs one call per interval; all orders together need `demand` calls per millisecond, the sum of 1 / interval. If the
 * budget allows fewer, every interval stretches by the same factor, demand / budget. The policy decides which order
 * goes first, so up to `UNEVEN` times that stretch is allowed. So is the time for the calls that belong to no interval:
 * first looks, lookups and cards. This account assumes single checks, so lists can only do better.
 */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/** When calls are short, the factor by which an interval may exceed the even stretch. */
const UNEVEN = 3;
/** The share of the calls that the key allows which the gateway can count on: the token bucket keeps back its burst. */
const USABLE = 0.8;
/** The order's own call: it waits for the token bucket even if it is the only one due. */
const ITS_OWN_CALL = 1;
/** Allowance for the duration of the calls and for the waits between them. */
const SLACK_MS = 3 * SECOND_MS;
/** The longest planned delay for an order in progress, unless the cadence itself is longer. */
const LONGEST_PACE_MS = MINUTE_MS;
/** The longest backoff after failed looks, whether the order is in the store or not. */
const LONGEST_RETRY_MS = 5 * MINUTE_MS + SECOND_MS;

interface Gap {
  readonly orderId: string;
  /** When the order was checked last. */
  readonly from: number;
  readonly dueAt: number;
  /** When the order was checked again, or the end of the run if it was not. */
  readonly to: number;
}

export function oddPlans({ plans, calls, startedAt }: Run): readonly string[] {
  return plans.flatMap(({ order, dueAt, orderId, at }) => {
    if (order === undefined || dueAt === null) return [];
    const cadenceMs = (planner(false)(order) ?? order.checkedAt) - order.checkedAt;
    const [afterAskedMs, afterCheckedMs] = [dueAt - askedAt(order, calls), dueAt - order.checkedAt];
    const mostMs = Math.max(cadenceMs, LONGEST_PACE_MS);
    if (afterAskedMs >= SECOND_MS && afterCheckedMs <= mostMs) return [];
    return [`${orderId} at ${at - startedAt}: in ${afterAskedMs} ms, not ${cadenceMs} ms`];
  });
}

/** When the call of the order's last check started. */
function askedAt({ latest, checkedAt }: Order, calls: readonly RecordedCall[]): number {
  const asking = calls.filter(
    ({ orderId, end }) =>
      end?.at === checkedAt && (orderId === undefined || orderId === latest.orderId),
  );
  return Math.min(checkedAt, ...asking.map((call) => call.startedAt));
}

export function lateChecks(run: Run): readonly string[] {
  const byOrder = Map.groupBy(run.plans, ({ orderId }) => orderId);
  const gaps = [...byOrder].flatMap(([, plans]) => gapsOf(plans, run));
  return gaps.flatMap((gap) => {
    const lateMs = gap.to - Math.max(gap.dueAt, run.calmAt);
    if (lateMs <= SLACK_MS) return [];
    const allowedMs = allowance(gap, { run, gaps });
    if (lateMs <= allowedMs) return [];
    const { from, dueAt, to } = sinceStart(gap, run);
    const what = `checked at ${from}, due at ${dueAt}, checked at ${to}`;
    return [
      `${gap.orderId}: ${what}, ${lateMs} ms late where ${Math.round(allowedMs)} ms are right`,
    ];
  });
}

function sinceStart({ from, dueAt, to }: Gap, { startedAt }: Run) {
  return { from: from - startedAt, dueAt: dueAt - startedAt, to: to - startedAt };
}

/** The gaps between checks of one order that end within the calm. */
function gapsOf(plans: readonly RecordedPlan[], { calmAt, endedAt }: Run): readonly Gap[] {
  const gaps: Gap[] = [];
  let last: RecordedPlan | undefined;
  let dueAt: number | null = null;
  for (const plan of plans) {
    if (plan.order !== undefined) {
      if (last !== undefined && dueAt !== null)
        gaps.push({ orderId: plan.orderId, from: last.at, dueAt, to: plan.at });
      last = plan;
    }
    dueAt = plan.dueAt;
  }
  if (last !== undefined && dueAt !== null)
    gaps.push({ orderId: last.orderId, from: last.at, dueAt, to: endedAt });
  return gaps.filter(({ to }) => to > calmAt);
}

function allowance(
  gap: Gap,
  { run, gaps }: { readonly run: Run; readonly gaps: readonly Gap[] },
): number {
  const budget = budgetPerMs(run);
  const intervalMs = Math.max(gap.dueAt - gap.from, SECOND_MS);
  const stretch = Math.max(1, (UNEVEN * demandPerMs(gap, gaps)) / budget);
  return intervalMs * (stretch - 1) + (UNEVEN * extraCalls(gap, run)) / budget + SLACK_MS;
}

function budgetPerMs({ calmCallsPerMinute }: Run): number {
  return (USABLE * calmCallsPerMinute) / MINUTE_MS;
}

/** The calls per millisecond that all orders need while this one waits, each at its shortest interval. */
function demandPerMs({ from, to }: Pick<Gap, 'from' | 'to'>, gaps: readonly Gap[]): number {
  const shortest = new Map<string, number>();
  for (const other of gaps) {
    if (other.to < from || other.from > to) continue;
    const intervalMs = Math.max(other.dueAt - other.from, SECOND_MS);
    shortest.set(other.orderId, Math.min(intervalMs, shortest.get(other.orderId) ?? intervalMs));
  }
  return [...shortest.values()].reduce((sum, intervalMs) => sum + 1 / intervalMs, 0);
}

/** The number of calls in a span of time that belong to no order's interval. */
function extraCalls(
  { from, to }: Pick<Gap, 'from' | 'to'>,
  { lookups, plans, watches }: Run,
): number {
  const isWithin = (at: number) => at >= from - MINUTE_MS && at <= to;
  const asked = lookups.filter(({ askedAt }) => isWithin(askedAt)).length;
  const cards = plans.filter(({ order, dueAt, at }) => order && dueAt === null && isWithin(at));
  const watched = watches.filter((watch) => isWithin(watch.from)).length;
  return ITS_OWN_CALL + asked + cards.length + watched;
}

/** Watches of orders that the upstream knows and that the gateway did not find in time. */
export function lateFirstLooks(run: Run): readonly string[] {
  return run.watches.flatMap(({ orderId, from, until }) => {
    const waitsFrom = Math.max(from, run.calmAt);
    const failedMs = from < run.calmAt ? LONGEST_RETRY_MS : 0;
    const foundAt = run.plans.find((plan) => plan.orderId === orderId)?.at;
    const to = Math.min(foundAt ?? run.endedAt, until ?? run.endedAt);
    const rivals = run.orders.filter(({ createdAt }) => createdAt <= to).length;
    const wait = { from: waitsFrom, to };
    const calls = rivals + extraCalls(wait, run);
    const allowedMs = failedMs + (UNEVEN * calls) / budgetPerMs(run) + SLACK_MS;
    if (to - waitsFrom <= allowedMs) return [];
    return [
      `${orderId}: watched from ${from - run.startedAt} on, not found for ${to - waitsFrom} ms`,
    ];
  });
}
