import type { Order, Planner, Recorded } from '../core/store.ts';
import type { Observation, Snapshot } from '../core/topup.ts';
import { isSettled, nextSnapshot } from '../core/topup.ts';

/**
 * What an observation makes of an order. Pure, and the same for every store: a store only has to read
 * `current`, call this and write the answer in one transaction.
 *
 * An observation from before the last check is out of date, since answers can overtake each other: it
 * changes nothing, and `order` is `current` itself.
 */
export function advance(
  current: Order | undefined,
  observation: Observation,
  plan: Planner,
): Recorded {
  if (current !== undefined && observation.observedAt < current.checkedAt) {
    return { order: current, before: current, appended: undefined };
  }
  const appended = nextSnapshot(current?.latest, withWellFormedText(observation));
  const latest = appended ?? current?.latest;
  if (latest === undefined) throw new Error('a first observation always makes a snapshot');
  const unplanned = {
    latest,
    statusSince: statusSince(current, latest),
    trackedSince: current?.trackedSince ?? observation.observedAt,
    checkedAt: observation.observedAt,
    failures: 0,
  };
  const dueAt = isSettled(latest.upstreamStatus) ? null : plan(unplanned);
  return { order: { ...unplanned, dueAt }, before: current, appended };
}

function statusSince(current: Order | undefined, latest: Snapshot): number {
  if (current === undefined) {
    const { createdAt, observedAt } = latest;
    // A clock that runs ahead of ours would make an order younger than it can be.
    return createdAt !== null && createdAt <= observedAt ? createdAt : observedAt;
  }
  return latest.upstreamStatus === current.latest.upstreamStatus
    ? current.statusSince
    : latest.observedAt;
}

/**
 * JSON can spell half a surrogate pair, and no database keeps one. Left as it is, the text would differ
 * from what was kept at each check, and each check would append a snapshot.
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
