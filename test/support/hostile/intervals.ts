import { planner } from '../../../src/core/cadence.ts';
import type { Order } from '../../../src/core/store.ts';
import type { RecordedCall, RecordedPlan, Run } from './record.ts';

/**
 * How late a check may be.
 *
 * After each check an order is planned: its interval is the time to when it is due. Each tracked order
 * asks for one call in its interval; all of them together ask for `demand` calls a millisecond, the sum of
 * 1 / interval. Where the budget holds fewer, every interval is stretched by the same factor, demand /
 * budget. Which of two orders goes first is left to the policy, so up to `UNEVEN` times that is right;
 * and so is as long as it takes to make the calls that are in nobody's interval: first looks, lookups,
 * and cards. Checks are single ones in this account, so lists can only do better.
 */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/** How much less often than another an order may be asked, when calls are short. */
const UNEVEN = 3;
/** Of the calls that the key allows, what the gateway can count on: the bucket keeps back its burst. */
const USABLE = 0.8;
/** A call that is due waits for the bucket even where it is the only one. */
const ITS_OWN_CALL = 1;
/** Calls themselves, four at a time, and the waits between them. */
const SLACK_MS = 3 * SECOND_MS;
/** No order in progress is left alone for longer by plan, unless the cadence says so. */
const LONGEST_PACE_MS = MINUTE_MS;
/** The longest wait after failed looks, at an order known or unknown. */
const LONGEST_RETRY_MS = 5 * MINUTE_MS + SECOND_MS;

interface Gap {
  readonly orderId: string;
  /** When the order was checked last. */
  readonly from: number;
  readonly dueAt: number;
  /** When it was checked again; the end of the run where it was not. */
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

/** When the call started that ended in this check. */
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

/** The gaps between checks of one order that end in the calm. */
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

/** Calls that all orders ask for together, while this one waits: each at its shortest interval. */
function demandPerMs({ from, to }: Pick<Gap, 'from' | 'to'>, gaps: readonly Gap[]): number {
  const shortest = new Map<string, number>();
  for (const other of gaps) {
    if (other.to < from || other.from > to) continue;
    const intervalMs = Math.max(other.dueAt - other.from, SECOND_MS);
    shortest.set(other.orderId, Math.min(intervalMs, shortest.get(other.orderId) ?? intervalMs));
  }
  return [...shortest.values()].reduce((sum, intervalMs) => sum + 1 / intervalMs, 0);
}

/** Calls in a time that are in no order's interval. */
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

/** Of orders that somebody goes on watching and that the upstream knows. */
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
