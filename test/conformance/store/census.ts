import { expect, test } from 'vitest';
import type { Store } from '../../../src/core/store.ts';
import type { OpenStore } from './observations.ts';
import { inOneSecond, never, observed, T0 } from './observations.ts';

async function recordEach(
  store: Store,
  orders: Readonly<Record<string, { upstreamStatus: string; createdAt?: number }>>,
): Promise<void> {
  for (const [orderId, told] of Object.entries(orders)) {
    await store.record(observed({ orderId, ...told }), inOneSecond);
  }
}

export function census(open: OpenStore): void {
  test('of an empty store is all zeros', async () => {
    const store = await open();
    expect(await store.census({ overdueBefore: T0 })).toEqual({
      tracked: { HANDLING: 0, QUEUED: 0, UNKNOWN: 0 },
      overdue: 0,
      abandoned: 0,
    });
  });

  test('counts what is tracked by our words, and leaves settled orders out', async () => {
    const store = await open();
    await recordEach(store, {
      a: { upstreamStatus: 'HANDLING' },
      b: { upstreamStatus: 'HANDLING' },
      c: { upstreamStatus: 'QUEUED' },
      d: { upstreamStatus: 'TELEPORTED' },
      e: { upstreamStatus: 'handling' },
      f: { upstreamStatus: 'UNKNOWN' },
      g: { upstreamStatus: 'FULFILLED' },
      h: { upstreamStatus: 'REFUNDED' },
    });
    expect((await store.census({ overdueBefore: T0 })).tracked).toEqual({
      HANDLING: 2,
      QUEUED: 1,
      UNKNOWN: 3,
    });
  });

  test('an order is overdue in progress since before the moment given; a parked one never is', async () => {
    const store = await open();
    await recordEach(store, {
      old: { upstreamStatus: 'HANDLING', createdAt: T0 - 2 },
      odd: { upstreamStatus: 'TELEPORTED', createdAt: T0 - 2 },
      edge: { upstreamStatus: 'HANDLING', createdAt: T0 - 1 },
      parked: { upstreamStatus: 'QUEUED', createdAt: T0 - 9 },
      done: { upstreamStatus: 'FULFILLED', createdAt: T0 - 9 },
    });
    expect((await store.census({ overdueBefore: T0 - 1 })).overdue).toBe(2);
    expect((await store.census({ overdueBefore: T0 })).overdue).toBe(3);
  });

  test('an order that was given up is abandoned, neither tracked nor overdue', async () => {
    const store = await open();
    await store.record(observed({ orderId: 'a' }), never);
    await store.record(observed({ orderId: 'b', upstreamStatus: 'QUEUED' }), never);
    await store.record(observed({ orderId: 'c', upstreamStatus: 'FULFILLED' }), never);
    await store.record(observed({ orderId: 'd' }), inOneSecond);
    expect(await store.census({ overdueBefore: T0 + 1 })).toEqual({
      tracked: { HANDLING: 1, QUEUED: 0, UNKNOWN: 0 },
      overdue: 1,
      abandoned: 2,
    });
  });

  test('an order is counted by its latest status alone', async () => {
    const store = await open();
    await store.record(observed(), inOneSecond);
    await store.record(observed({ upstreamStatus: 'QUEUED', observedAt: T0 + 1 }), inOneSecond);
    const parked = { HANDLING: 0, QUEUED: 1, UNKNOWN: 0 };
    expect((await store.census({ overdueBefore: T0 })).tracked).toEqual(parked);
    await store.record(observed({ upstreamStatus: 'REFUNDED', observedAt: T0 + 2 }), inOneSecond);
    const none = { HANDLING: 0, QUEUED: 0, UNKNOWN: 0 };
    expect((await store.census({ overdueBefore: T0 })).tracked).toEqual(none);
  });
}
