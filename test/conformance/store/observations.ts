import type { Planner, Store } from '../../../src/core/store.ts';
import type { Snapshot } from '../../../src/core/topup.ts';
import { ORDER_ID as ORDER, observation as observed } from '../../support/observations.ts';

/** Opens an empty store, which the suite closes after the test. */
export type OpenStore = () => Promise<Store>;

/** 2026-01-01, in Unix milliseconds: where the tests' time starts. */
export const T0 = Date.UTC(2026, 0, 1);

/** One order, and an observation that tells its status and nothing else, but for what is given. */
export { ORDER, observed };

export const COMPLETE = {
  ref: 'order-1017',
  type: 'ADSL',
  number: '036362608',
  amount: 1000.5,
  cardCode: '0123456789012345',
  transactionNumber: 'AT-2026-55',
  processedAt: T0 + 9_000,
  refundMessage: 'رقم الهاتف غير صحيح 📞',
  createdAt: T0 - 2_000,
};

export const inOneSecond: Planner = (order) => order.checkedAt + 1_000;

export const never: Planner = () => null;

export function dueAt(time: number): Planner {
  return () => time;
}

export function versions(snapshots: readonly Snapshot[]): number[] {
  return snapshots.map(({ version }) => version);
}

/** Appends `count` snapshots that differ in their `ref`. */
export async function append(
  store: Store,
  { orderId = ORDER, count }: { readonly orderId?: string; readonly count: number },
): Promise<void> {
  for (let nth = 1; nth <= count; nth += 1) {
    await store.record(observed({ orderId, ref: `ref-${nth}`, observedAt: T0 + nth }), inOneSecond);
  }
}
