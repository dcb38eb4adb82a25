import type { Store } from '../../src/core/store.ts';
import { observationOf, orderId } from './fill.ts';

/** What the gateway asks of its log for one thing that a client or the poller does, for the nth order. */
export type Question = (store: Store, nth: number) => Promise<unknown>;

const LATER = Date.UTC(2027, 0, 1);
/** Beyond all orders that were filled in. */
const NEW_ORDERS = 2_000_000;
const plan = ({ checkedAt }: { readonly checkedAt: number }) => checkedAt + 1_000;

export const READS: Readonly<Record<string, Question>> = {
  topup: (store, nth) => store.find(orderId(nth)),
  'history, first 20': async (store, nth) => {
    const { latest } = await found(store, nth);
    return store.read(latest.orderId, { limit: 21, from: 'oldest' });
  },
  'history, last 2 before a cursor': async (store, nth) => {
    const { latest } = await found(store, nth);
    await store.read(latest.orderId, { before: 4, limit: 3, from: 'newest' });
    return store.read(latest.orderId, { after: 3, limit: 1, from: 'oldest' });
  },
  'resume, one event': async (store, nth) => {
    const { latest } = await found(store, nth);
    return store.read(latest.orderId, { after: 1, limit: 1, from: 'oldest' });
  },
};

export const WRITES: Readonly<Record<string, Question>> = {
  'append, first of an order': (store, nth) =>
    store.record(
      { ...observationOf(NEW_ORDERS + nth, 0), observedAt: LATER, createdAt: LATER + nth },
      plan,
    ),
  'append, settles it': (store, nth) =>
    store.record(
      { ...observationOf(NEW_ORDERS + nth, 3), observedAt: LATER + 1, createdAt: LATER + nth },
      plan,
    ),
};

async function found(store: Store, nth: number) {
  const order = await store.find(orderId(nth));
  if (order === undefined) throw new Error(`order ${nth} is not there`);
  return order;
}
