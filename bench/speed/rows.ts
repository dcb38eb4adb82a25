/** The orders that all contestants answer with, each derived from its index alone. */
import type { Observation } from '../../src/core/topup.ts';

/** The fields of the query, as a response must contain them. */
export interface Row {
  readonly id: string;
  readonly ref: string;
  readonly type: string;
  readonly number: string;
  readonly amount: number;
  readonly status: string;
  readonly upstreamStatus: string;
  readonly cardCode: string;
  readonly transactionNumber: string;
  readonly processedAt: string;
  readonly createdAt: string;
}

const FIELDS =
  'id ref type number amount status upstreamStatus cardCode transactionNumber processedAt createdAt';

export const QUERY = `query Topup($id: ID!) { topup(id: $id) { ${FIELDS} } }`;
export const SUBSCRIPTION = `subscription Live($id: ID!) { topupStatus(id: $id) { ${FIELDS} } }`;

/** The schema of the contestants that take SDL. */
export const SDL = /* GraphQL */ `
  enum TopupStatus {
    HANDLING
    QUEUED
    FULFILLED
    REFUNDED
    UNKNOWN
  }
  type Topup {
    id: ID!
    ref: String
    type: String
    number: String
    amount: Float
    status: TopupStatus!
    upstreamStatus: String!
    cardCode: String
    transactionNumber: String
    processedAt: String
    createdAt: String
  }
  type Query {
    topup(id: ID!): Topup
  }
`;

export const SUBSCRIPTION_SDL = /* GraphQL */ `
  type Subscription {
    topupStatus(id: ID!): Topup!
  }
`;

const FIRST_CREATED_AT = Date.UTC(2025, 9, 29);
const LIFE_MS = 5_000;

/** An id of the form that OneClickDz uses: the second of the creation, then a unique part. */
export function idOf(index: number): string {
  return `69015a80${index.toString(16).padStart(16, '0')}`;
}

export function indexOf(id: string): number {
  return Number.parseInt(id.slice(8), 16);
}

export function createdAtOf(index: number): number {
  return FIRST_CREATED_AT + (index % 100_000_000) * 10;
}

export function rowOf(index: number): Row {
  const createdAt = createdAtOf(index);
  return {
    id: idOf(index),
    ref: `shop-order-${index}`,
    type: 'ADSL',
    number: '036362608',
    amount: 1_000,
    status: 'FULFILLED',
    upstreamStatus: 'FULFILLED',
    cardCode: `${100_000_000_000 + index}`,
    transactionNumber: `AT-2025-${index}`,
    processedAt: new Date(createdAt + LIFE_MS).toISOString(),
    createdAt: new Date(createdAt).toISOString(),
  };
}

/** An order in the form of an upstream response. */
export function upstreamTopup(index: number): Readonly<Record<string, string | number>> {
  const row = rowOf(index);
  return {
    _id: row.id,
    ref: row.ref,
    status: row.status,
    type: row.type,
    number: row.number,
    topup_amount: row.amount,
    card_code: row.cardCode,
    num_trans: row.transactionNumber,
    date_traitement: row.processedAt,
    created_at: row.createdAt,
  };
}

/** An observation of the order in progress, overridden by `told`. */
export function observationOf(index: number, told: Partial<Observation> = {}): Observation {
  const createdAt = createdAtOf(index);
  const { id, ref, type, number, amount } = rowOf(index);
  return {
    orderId: id,
    upstreamStatus: 'HANDLING',
    observedAt: createdAt + 1_000,
    ref,
    type,
    number,
    amount,
    cardCode: null,
    transactionNumber: null,
    processedAt: null,
    refundMessage: null,
    createdAt,
    ...told,
  };
}

/** The number of snapshots of each order in a settled log. */
export const SNAPSHOTS_EACH = 4;

/** The whole life of an order, one observation per snapshot; the last one matches `rowOf`. */
export function lifeOf(index: number): readonly Observation[] {
  const createdAt = createdAtOf(index);
  const row = rowOf(index);
  return [
    observationOf(index),
    observationOf(index, { upstreamStatus: 'QUEUED', observedAt: createdAt + 2_000 }),
    observationOf(index, { observedAt: createdAt + 3_000 }),
    observationOf(index, {
      upstreamStatus: 'FULFILLED',
      observedAt: createdAt + 6_000,
      cardCode: row.cardCode,
      transactionNumber: row.transactionNumber,
      processedAt: createdAt + LIFE_MS,
    }),
  ];
}
