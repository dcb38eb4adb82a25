import { trackedSince } from '../core/cadence.ts';
import type { Order, Planner, Recorded } from '../core/store.ts';
import { isSettled, nextSnapshot, type Observation, type Snapshot } from '../core/topup.ts';

/**
 * Applies an observation to an order. Pure, and shared by all stores: within one transaction, a store reads
 * `current`, calls this function and writes the result.
 *
 * Upstream responses can overtake each other, so an observation made before the last check is out of date. It changes
 * nothing, and the returned `order` is `current` itself.
 */
export function advance(
  current: Order | undefined,
  observation: Observation,
  plan: Planner,
): Recorded {
  const { observedAt } = observation;
  if (current !== undefined && observedAt < current.checkedAt) {
    return { order: current, before: current, appended: undefined };
  }
  const appended = nextSnapshot(current?.latest, withWellFormedText(observation));
  const latest = appended ?? current?.latest;
  if (latest === undefined) throw new Error('a first observation always makes a snapshot');
  const unplanned = {
    latest,
    statusSince: statusSince(current, latest, observedAt),
    trackedSince: current === undefined ? observedAt : trackedSince(current, observedAt),
    checkedAt: observedAt,
    failures: 0,
  };
  const dueAt = isSettled(latest.upstreamStatus) ? null : plan(unplanned);
  return { order: { ...unplanned, dueAt }, before: current, appended };
}

/** An order is in its status no longer than it exists, whatever our clock said when the status was first seen. */
function statusSince(current: Order | undefined, latest: Snapshot, now: number): number {
  const isSame = latest.upstreamStatus === current?.latest.upstreamStatus;
  const since = isSame ? Math.min(current.statusSince, now) : now;
  const { createdAt } = latest;
  // If the upstream's clock runs ahead of ours, `createdAt` may lie in the future.
  if (createdAt === null || createdAt > now) return since;
  return current === undefined ? createdAt : Math.max(since, createdAt);
}

/**
 * JSON can express a lone surrogate, which no database stores. An unchanged lone surrogate would make the text differ
 * from the stored one at each check, and each check would append a snapshot.
 */
function withWellFormedText(observation: Observation): Observation {
  return {
    ...observation,
    upstreamStatus: observation.upstreamStatus.toWellFormed(),
    ref: observation.ref?.toWellFormed() ?? null,
    type: observation.type?.toWellFormed() ?? null,
    number: observation.number?.toWellFormed() ?? null,
    cardCode: observation.cardCode?.toWellFormed() ?? null,
    transactionNumber: observation.transactionNumber?.toWellFormed() ?? null,
    refundMessage: observation.refundMessage?.toWellFormed() ?? null,
  };
}
