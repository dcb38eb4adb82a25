import type { Store } from '../../src/core/store.ts';

/** The reads of the log that one operation of a client causes. */
type Question = (store: Store, orderId: string) => Promise<unknown>;

export const READS: Readonly<Record<string, Question>> = {
  topup: (store, orderId) => store.find(orderId),
  'history, first 20': async (store, orderId) => {
    await found(store, orderId);
    return store.read(orderId, { limit: 21, from: 'oldest' });
  },
  'history, last 2 before a cursor': async (store, orderId) => {
    await found(store, orderId);
    await store.read(orderId, { before: 4, limit: 3, from: 'newest' });
    return store.read(orderId, { after: 3, limit: 1, from: 'oldest' });
  },
  'resume, one event': async (store, orderId) => {
    await found(store, orderId);
    return store.read(orderId, { after: 1, limit: 1, from: 'oldest' });
  },
};

async function found(store: Store, orderId: string) {
  const order = await store.find(orderId);
  if (order === undefined) throw new Error(`order ${orderId} is not there`);
  return order;
}
