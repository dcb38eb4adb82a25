import { SECOND_MS } from './durations.ts';
import { recentCreationOf } from './order-id.ts';

/**
 * Glossary:
 *
 * - **top-up, order**: one internet top-up at the upstream, identified by its id.
 * - **observation**: what one upstream call said about one order at one moment.
 * - **snapshot**: an observation that differs from the previous one, numbered per order from 1 (its version).
 * - **in progress**: HANDLING or a status that the gateway does not know.
 * - **parked**: QUEUED.
 * - **settled**: FULFILLED or REFUNDED.
 *
 * All times are Unix milliseconds.
 */

export type TopupStatus = 'HANDLING' | 'QUEUED' | 'FULFILLED' | 'REFUNDED' | 'UNKNOWN';

/** What the upstream says about an order besides its id and status. `null` where it says nothing. */
interface TopupDetails {
  readonly ref: string | null;
  readonly type: string | null;
  readonly number: string | null;
  /** Algerian dinar. */
  readonly amount: number | null;
  /** Worth money to anyone who reads it: never logged, never part of an error. */
  readonly cardCode: string | null;
  readonly transactionNumber: string | null;
  readonly processedAt: number | null;
  readonly refundMessage: string | null;
  readonly createdAt: number | null;
}

export interface Observation extends TopupDetails {
  readonly orderId: string;
  /** The upstream's own word, in capital letters if we know it: the set of statuses is open. */
  readonly upstreamStatus: string;
  readonly observedAt: number;
}

export interface Snapshot extends Observation {
  /** Counts from 1 for each order, without gaps; the oldest snapshots may have been removed since. */
  readonly version: number;
  /** The log holds a card code, but the gateway has no key that opens it; `cardCode` is then `null`. */
  readonly isCardUnreadable?: true;
}

const DETAILS: readonly (keyof TopupDetails)[] = [
  'ref',
  'type',
  'number',
  'amount',
  'cardCode',
  'transactionNumber',
  'processedAt',
  'refundMessage',
  'createdAt',
];

/** Maps the upstream's status to a `TopupStatus`; `UNKNOWN` for a word that the gateway does not know. */
export function statusOf(upstreamStatus: string): TopupStatus {
  switch (upstreamStatus) {
    case 'HANDLING':
    case 'QUEUED':
    case 'FULFILLED':
    case 'REFUNDED':
      return upstreamStatus;
    default:
      return 'UNKNOWN';
  }
}

export function isSettled(upstreamStatus: string): boolean {
  return upstreamStatus === 'FULFILLED' || upstreamStatus === 'REFUNDED';
}

/** Whether it lacks what every fulfilled order has. */
export function lacksCard(observation: Pick<Observation, 'upstreamStatus' | 'cardCode'>): boolean {
  return observation.upstreamStatus === 'FULFILLED' && observation.cardCode === null;
}

/**
 * The snapshot that an observation adds after `latest`, or `undefined` if it says nothing new.
 *
 * The upstream marks no field as required, so a missing detail does not mean that it has gone: the previous value is
 * carried forward. Nothing follows a settled snapshot. Without a creation time an order could not be found in a list,
 * so a first snapshot takes it from the id.
 */
export function nextSnapshot(
  latest: Snapshot | undefined,
  observation: Observation,
): Snapshot | undefined {
  if (latest === undefined)
    return { ...observation, createdAt: creationOf(observation), version: 1 };
  if (isSettled(latest.upstreamStatus)) return undefined;
  const told = carryForward(latest, observation);
  const changed =
    told.upstreamStatus !== latest.upstreamStatus ||
    DETAILS.some((name) => told[name] !== latest[name]);
  return changed ? { ...told, version: latest.version + 1 } : undefined;
}

function creationOf({ orderId, createdAt, observedAt }: Observation): number | null {
  return createdAt ?? recentCreationOf(orderId, observedAt) ?? null;
}

function carryForward(latest: Snapshot, observation: Observation): Observation {
  return {
    orderId: observation.orderId,
    upstreamStatus: observation.upstreamStatus,
    observedAt: observation.observedAt,
    ref: observation.ref ?? latest.ref,
    // One call says `4G` where another says `4GLTE`: the first word stays, else calls in turn would add a snapshot
    // each.
    type: latest.type ?? observation.type,
    number: observation.number ?? latest.number,
    amount: observation.amount ?? latest.amount,
    cardCode: observation.cardCode ?? latest.cardCode,
    transactionNumber: observation.transactionNumber ?? latest.transactionNumber,
    processedAt: observation.processedAt ?? latest.processedAt,
    refundMessage: observation.refundMessage ?? latest.refundMessage,
    createdAt: moreExact(latest.createdAt, observation.createdAt),
  };
}

/** The time that was told last, unless that is what was known already, to the second only. */
function moreExact(known: number | null, told: number | null): number | null {
  if (known === null || told === null) return told ?? known;
  const isSame = told % SECOND_MS === 0 && Math.abs(told - known) < SECOND_MS;
  return isSame ? known : told;
}
