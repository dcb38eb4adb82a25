/**
 * The words of this product:
 *
 * - **top-up, order**: one internet top-up at the upstream, named by its id.
 * - **observation**: what one upstream call said of one order at one moment.
 * - **snapshot**: an observation that differs from the one before, numbered per order from 1 (its version).
 * - **in progress / parked / settled**: HANDLING or a status not known / QUEUED / FULFILLED or REFUNDED.
 *
 * All times are Unix milliseconds.
 */

export type TopupStatus = 'HANDLING' | 'QUEUED' | 'FULFILLED' | 'REFUNDED' | 'UNKNOWN';

/** What the upstream tells of an order besides its id and status. `null` where it tells nothing. */
export interface TopupDetails {
  readonly ref: string | null;
  readonly type: string | null;
  readonly number: string | null;
  /** Algerian dinar. */
  readonly amount: number | null;
  /** Worth money to whoever reads it: never logged, never part of an error. */
  readonly cardCode: string | null;
  readonly transactionNumber: string | null;
  readonly processedAt: number | null;
  readonly refundMessage: string | null;
  readonly createdAt: number | null;
}

export interface Observation extends TopupDetails {
  readonly orderId: string;
  /** The upstream's own word, kept as it came: the set of statuses is open. */
  readonly upstreamStatus: string;
  readonly observedAt: number;
}

export interface Snapshot extends Observation {
  /** Counts from 1 for each order, without holes; the first ones may have been removed since. */
  readonly version: number;
  /** The log holds a card code, but no key that opens it is here; `cardCode` is `null` then. */
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

/** The upstream's word as one of ours; `UNKNOWN` for a word that we do not know. */
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

/**
 * The snapshot that an observation adds after `latest`, or `undefined` where it says nothing new.
 *
 * A detail that is absent says nothing: the upstream marks no field as required, so one that was told
 * once is carried forward. Nothing follows a settled snapshot.
 */
export function nextSnapshot(
  latest: Snapshot | undefined,
  observation: Observation,
): Snapshot | undefined {
  if (latest === undefined) return { ...observation, version: 1 };
  if (isSettled(latest.upstreamStatus)) return undefined;
  const told = carryForward(latest, observation);
  const changed =
    told.upstreamStatus !== latest.upstreamStatus ||
    DETAILS.some((name) => told[name] !== latest[name]);
  return changed ? { ...told, version: latest.version + 1 } : undefined;
}

function carryForward(latest: Snapshot, observation: Observation): Observation {
  return {
    orderId: observation.orderId,
    upstreamStatus: observation.upstreamStatus,
    observedAt: observation.observedAt,
    ref: observation.ref ?? latest.ref,
    type: observation.type ?? latest.type,
    number: observation.number ?? latest.number,
    amount: observation.amount ?? latest.amount,
    cardCode: observation.cardCode ?? latest.cardCode,
    transactionNumber: observation.transactionNumber ?? latest.transactionNumber,
    processedAt: observation.processedAt ?? latest.processedAt,
    refundMessage: observation.refundMessage ?? latest.refundMessage,
    createdAt: observation.createdAt ?? latest.createdAt,
  };
}
