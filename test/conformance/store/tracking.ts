import { expect, test } from 'vitest';
import type { Order } from '../../../src/core/store.ts';
import type { OpenStore } from './observations.ts';
import { dueAt, inOneSecond, never, ORDER, observed, T0 } from './observations.ts';

export function tracking(open: OpenStore): void {
  test('a new order is in its status since the upstream made it', async () => {
    const store = await open();
    const { order } = await store.record(observed({ createdAt: T0 - 60_000 }), inOneSecond);
    expect(order).toEqual({
      latest: { ...observed({ createdAt: T0 - 60_000 }), version: 1 },
      statusSince: T0 - 60_000,
      trackedSince: T0,
      checkedAt: T0,
      dueAt: T0 + 1_000,
      failures: 0,
    });
  });

  test.each([null, T0 + 1])(
    'a new order made at %s is in its status since it was seen',
    async (createdAt) => {
      const store = await open();
      const { order } = await store.record(observed({ createdAt }), inOneSecond);
      expect(order.statusSince).toBe(T0);
    },
  );

  test('only another status moves statusSince, and nothing moves trackedSince', async () => {
    const store = await open();
    await store.record(observed({ createdAt: T0 - 60_000 }), inOneSecond);
    const touched = await store.record(observed({ observedAt: T0 + 1 }), inOneSecond);
    expect(touched.order).toMatchObject({ statusSince: T0 - 60_000, trackedSince: T0 });
    const detailed = await store.record(observed({ ref: 'a', observedAt: T0 + 2 }), inOneSecond);
    expect(detailed.order).toMatchObject({ statusSince: T0 - 60_000, trackedSince: T0 });
    const parked = await store.record(
      observed({ upstreamStatus: 'QUEUED', observedAt: T0 + 3 }),
      inOneSecond,
    );
    expect(parked.order).toMatchObject({ statusSince: T0 + 3, trackedSince: T0 });
    expect(await store.find(ORDER)).toEqual(parked.order);
  });

  test('the planner is asked with the order as it will be', async () => {
    const store = await open();
    const seen: Omit<Order, 'dueAt'>[] = [];
    await store.record(observed(), (order) => {
      seen.push(order);
      return T0 + 7;
    });
    expect(seen).toEqual([
      {
        latest: { ...observed(), version: 1 },
        statusSince: T0,
        trackedSince: T0,
        checkedAt: T0,
        failures: 0,
      },
    ]);
    expect((await store.find(ORDER))?.dueAt).toBe(T0 + 7);
  });

  test('the planner may give an order up', async () => {
    const store = await open();
    expect((await store.record(observed(), never)).order.dueAt).toBeNull();
    expect((await store.find(ORDER))?.dueAt).toBeNull();
  });

  test('a settled order is never due, whatever the planner says', async () => {
    const store = await open();
    await store.record(observed(), inOneSecond);
    const { order } = await store.record(
      observed({ upstreamStatus: 'FULFILLED', observedAt: T0 + 1 }),
      dueAt(T0 + 2),
    );
    expect(order.dueAt).toBeNull();
    expect(await store.due({ before: T0 + 10_000, limit: 10 })).toEqual([]);
  });

  test('a good check clears the failures', async () => {
    const store = await open();
    await store.record(observed(), inOneSecond);
    await store.reschedule(ORDER, { dueAt: T0 + 2_000, failures: 3 });
    const { order } = await store.record(observed({ observedAt: T0 + 2_000 }), inOneSecond);
    expect(order).toMatchObject({ failures: 0, dueAt: T0 + 3_000 });
    expect(await store.find(ORDER)).toEqual(order);
  });

  test('an order that was never observed is not found', async () => {
    const store = await open();
    await store.record(observed(), inOneSecond);
    expect(await store.find('another')).toBeUndefined();
  });

  test('orders do not mix', async () => {
    const store = await open();
    await store.record(observed({ orderId: 'a', ref: 'ours' }), inOneSecond);
    const { appended } = await store.record(observed({ orderId: 'b' }), inOneSecond);
    expect(appended).toEqual({ ...observed({ orderId: 'b' }), version: 1 });
    expect((await store.find('a'))?.latest.ref).toBe('ours');
  });
}
