import type { Observation } from '../../src/core/topup.ts';

export const ORDER_ID = '6901616fe9e88196b4eb64b2';

/** An observation without any details except those in `told`. */
export function observation(told: Partial<Observation> = {}): Observation {
  return {
    orderId: ORDER_ID,
    upstreamStatus: 'HANDLING',
    observedAt: Date.UTC(2026, 0, 1),
    ref: null,
    type: null,
    number: null,
    amount: null,
    cardCode: null,
    transactionNumber: null,
    processedAt: null,
    refundMessage: null,
    createdAt: null,
    ...told,
  };
}
