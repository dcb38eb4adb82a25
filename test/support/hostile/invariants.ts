import { isSettled } from '../../../src/core/topup.ts';
import { type ErrorCode, GatewayError } from '../../../src/errors.ts';
import { imposedMs } from './calm.ts';
import { lateChecks, lateFirstLooks, oddPlans } from './intervals.ts';
import type { RecordedCall, RecordedLookup, RecordedProcess, Run, SentOrder } from './record.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/** The precision of the creation times that a list's window is made from: an id gives only the second. */
const ID_PRECISION_MS = SECOND_MS;
const MOST_IN_FLIGHT = 20;
/** A call that is in flight for no longer than `DECIDED_MS` may yet be refused, as a bad try. */
const MOST_UNDECIDED = 4;
const DECIDED_MS = 2 * SECOND_MS;
const STOP_MS = 2 * SECOND_MS;
const UNKNOWN_REMEMBERED_MS = 10 * SECOND_MS;

/** Returns the violations in a run, one line each. */
type Invariant = (run: Run) => readonly string[];

/** What must hold for every run, by the name that a failure shows. */
const INVARIANTS: Readonly<Record<string, Invariant>> = {
  'never two checks of one order in flight': doubleChecks,
  'never a check of an order that a list in flight will show': checksUnderLists,
  'never more than twenty calls in flight, nor more than four that may yet be refused':
    crowdsInFlight,
  'never over budget in any 60 s': overBudget,
  'never a call in a Retry-After of a 429, or for 15 min after a 401 or 403': callsInHolds,
  'one call at a time until the first good answer': burstsOfNewProcesses,
  'no call after a stop, which waits up to 2 s for those in flight': callsAfterStop,
  'no order is planned later than its cadence, or sooner than a second after it was asked':
    oddPlans,
  'every order is checked again within its stretched interval': lateChecks,
  'every watched order is found': lateFirstLooks,
  'versions are dense and settle once, at the end': brokenLogs,
  'every order that settled is settled in the log': unsettledOrders,
  'no order is settled without its card or the reason of its refund': missingProofs,
  'every lookup is answered': hangingLookups,
  'a lookup brings a view, null for an unknown order, or a GatewayError': oddLookups,
};

/** The violations in a run, each with the name of its invariant; at most three per invariant. */
export function violations(run: Run): readonly string[] {
  return Object.entries(INVARIANTS).flatMap(([name, find]) =>
    find(run)
      .slice(0, 3)
      .map((what) => `${name}: ${what}`),
  );
}

function doubleChecks({ calls, startedAt }: Run): readonly string[] {
  const byOrder = Map.groupBy(
    calls.filter(({ operation }) => operation === 'check-id'),
    ({ orderId }) => orderId,
  );
  const faults: string[] = [];
  for (const [orderId, checks] of byOrder) {
    for (const [index, check] of checks.entries()) {
      const before = checks.slice(0, index).find((other) => isInFlightAt(other, check.startedAt));
      if (before === undefined) continue;
      faults.push(
        `${orderId} at ${check.startedAt - startedAt}, beside one from ${before.startedAt - startedAt}`,
      );
    }
  }
  return faults;
}

/**
 * A list covers all tracked orders of its window, except settled ones (only a check shows the card) and those that a
 * call in flight already asks for. No covered order may be checked before the list comes back.
 */
function checksUnderLists(run: Run): readonly string[] {
  const { calls, startedAt } = run;
  return calls.flatMap((list) => {
    if (list.window === undefined) return [];
    const checks = calls.filter(
      (each) =>
        each.orderId !== undefined &&
        each.startedAt > list.startedAt &&
        isInFlightAt(list, each.startedAt) &&
        isCoverable(run, each.orderId, list),
    );
    const since = list.startedAt - startedAt;
    return checks.map(
      ({ orderId, startedAt: at }) => `${orderId} at ${at - startedAt}, with a list since ${since}`,
    );
  });
}

function isCoverable(run: Run, orderId: string, { window, startedAt: at }: RecordedCall): boolean {
  const order = run.orders.find((each) => each.orderId === orderId);
  if (order === undefined || window === undefined || order.settlesAt <= at) return false;
  const { createdAt } = order;
  if (createdAt < window.from + ID_PRECISION_MS || createdAt > window.to - ID_PRECISION_MS) {
    return false;
  }
  const known = run.plans.findLast(
    (plan) => plan.orderId === orderId && plan.order !== undefined && plan.at < at,
  )?.order;
  if (known?.latest.createdAt !== createdAt) return false;
  return !run.calls.some(
    (call) => call.startedAt < at && isInFlightAt(call, at) && asksFor(call, order),
  );
}

function asksFor({ orderId, window }: RecordedCall, order: SentOrder): boolean {
  if (window === undefined) return orderId === order.orderId;
  return order.createdAt >= window.from && order.createdAt <= window.to;
}

function isInFlightAt({ startedAt, end }: RecordedCall, at: number): boolean {
  return startedAt <= at && at < (end?.at ?? Number.POSITIVE_INFINITY);
}

function crowdsInFlight({ calls, startedAt }: Run): readonly string[] {
  return calls.flatMap((call, index) => {
    const recent = calls.slice(Math.max(0, index - 50), index + 1);
    const inFlight = recent.filter((other) => isInFlightAt(other, call.startedAt));
    const undecided = inFlight.filter((other) => call.startedAt - other.startedAt < DECIDED_MS);
    return inFlight.length > MOST_IN_FLIGHT || undecided.length > MOST_UNDECIDED
      ? [`${inFlight.length} at ${call.startedAt - startedAt}, ${undecided.length} of them new`]
      : [];
  });
}

function overBudget({ calls, scenario, startedAt }: Run): readonly string[] {
  const limit = scenario.callsPerMinute;
  return calls.flatMap((call, index) => {
    const first = calls[index - limit];
    if (first === undefined || call.startedAt - first.startedAt >= MINUTE_MS) return [];
    const from = first.startedAt - startedAt;
    return [`${limit + 1} calls from ${from} to ${call.startedAt - startedAt}`];
  });
}

function callsInHolds({ calls, startedAt }: Run): readonly string[] {
  return calls.flatMap(({ end }) => {
    if (end === undefined || imposedMs(end) === 0) return [];
    const until = end.at + imposedMs(end);
    const call = calls.find((each) => each.startedAt > end.at && each.startedAt < until);
    if (call === undefined) return [];
    const told = `${end.outcome} at ${end.at - startedAt} (until ${until - startedAt})`;
    return [`a call at ${call.startedAt - startedAt} after a ${told}`];
  });
}

function burstsOfNewProcesses({ calls, processes, startedAt }: Run): readonly string[] {
  return processes.flatMap((_, index) => {
    const own = calls.filter((call) => call.process === index + 1);
    const goodAt = Math.min(
      ...own.map(({ end }) => (isGood(end?.outcome) ? (end?.at ?? 0) : Number.POSITIVE_INFINITY)),
    );
    return own.flatMap((call, place) => {
      const before = own[place - 1];
      if (before === undefined || call.startedAt >= goodAt) return [];
      return isInFlightAt(before, call.startedAt)
        ? [`process ${index + 1} at ${call.startedAt - startedAt}`]
        : [];
    });
  });
}

/** Whether an outcome is neither a refusal nor a failure; the status alone says no more than that. */
function isGood(outcome: unknown): boolean {
  return outcome === 200 || outcome === 404 || outcome === 400;
}

function callsAfterStop({ calls, processes, startedAt }: Run): readonly string[] {
  return processes.flatMap((process, index) => {
    const own = calls.filter((call) => call.process === index + 1);
    return own.flatMap((call) =>
      faultsOfStop(process, call).map((what) => `${what} at ${call.startedAt - startedAt}`),
    );
  });
}

function faultsOfStop(process: RecordedProcess, call: RecordedCall): readonly string[] {
  const { stoppedAt, endedAt, crashed } = process;
  if (stoppedAt === undefined || crashed) return [];
  if (call.startedAt > stoppedAt) return ['a call after the stop'];
  const waitedMs = (endedAt ?? Number.POSITIVE_INFINITY) - stoppedAt;
  if (waitedMs > STOP_MS) return ['a stop that takes too long, with a call'];
  return call.end?.outcome === 'cut' && waitedMs < STOP_MS
    ? ['a stop did not wait for a call']
    : [];
}

function brokenLogs({ log }: Run): readonly string[] {
  return [...log].flatMap(([orderId, snapshots]) => {
    const isDense = snapshots.every(({ version }, index) => version === index + 1);
    const settled = snapshots.filter(({ upstreamStatus }) => isSettled(upstreamStatus));
    const isLast = settled.length === 0 || settled[0] === snapshots.at(-1);
    if (isDense && settled.length <= 1 && isLast) return [];
    return [
      `${orderId}: ${snapshots.map((each) => `${each.version} ${each.upstreamStatus}`).join(', ')}`,
    ];
  });
}

/** The calm is long enough for each order to settle, so this also proves that the log has it within a bounded time. */
function unsettledOrders({ orders, log, endedAt }: Run): readonly string[] {
  return orders.flatMap(({ orderId, settlesAt, status }) => {
    const latest = log.get(orderId)?.at(-1);
    // No request for the order ever succeeded, or it settles too late in the run.
    if (latest === undefined || settlesAt > endedAt - 10 * MINUTE_MS) return [];
    if (latest.upstreamStatus === status) return [];
    return [`${orderId} is ${latest.upstreamStatus} in the log, ${status} upstream`];
  });
}

function missingProofs({ log, proofs }: Run): readonly string[] {
  return [...proofs].flatMap(([orderId, proof]) => {
    const latest = log.get(orderId)?.at(-1);
    if (latest === undefined || !isSettled(latest.upstreamStatus)) return [];
    const { cardCode, refundMessage } = latest;
    const isWhole = cardCode === proof.cardCode && refundMessage === proof.refundMessage;
    return isWhole ? [] : [`${orderId}: ${cardCode}, ${refundMessage}`];
  });
}

function hangingLookups({ lookups, processes, startedAt }: Run): readonly string[] {
  return lookups.flatMap(({ process, orderId, askedAt, end }) => {
    const { crashed, endedAt } = processes[process - 1] ?? {};
    const hangs = end === undefined && crashed === false && endedAt !== undefined;
    return hangs ? [`${orderId}, asked at ${askedAt - startedAt}`] : [];
  });
}

const LOOKUP_ERRORS: readonly ErrorCode[] = [
  'UPSTREAM_UNAVAILABLE',
  'UPSTREAM_THROTTLED',
  'UPSTREAM_REFUSED',
];

function oddLookups(run: Run): readonly string[] {
  return run.lookups.flatMap((lookup) => {
    const { end, orderId, askedAt } = lookup;
    if (end === undefined || isExpected(run, lookup, end)) return [];
    return [`${orderId}, asked at ${askedAt - run.startedAt}: ${String(end.result)}`];
  });
}

function isExpected(
  { calls }: Run,
  { orderId, askedAt }: RecordedLookup,
  { at, result }: { readonly at: number; readonly result: unknown },
): boolean {
  if (result instanceof GatewayError) return LOOKUP_ERRORS.includes(result.code);
  if (result !== null)
    return (result as { snapshot?: { orderId?: string } }).snapshot?.orderId === orderId;
  // `null` is right only if the upstream itself said that it does not know the order.
  return calls.some(
    (call) =>
      call.orderId === orderId &&
      (call.end?.outcome === 404 || call.end?.outcome === 400) &&
      call.end.at >= askedAt - UNKNOWN_REMEMBERED_MS &&
      call.end.at <= at,
  );
}
