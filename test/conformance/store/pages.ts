import { expect, test } from 'vitest';
import type { Store } from '../../../src/core/store.ts';
import type { OpenStore } from './observations.ts';
import { inOneSecond, never, observed, T0 } from './observations.ts';

/** Creation times of orders in progress, settled and abandoned, two of them at one moment. */
async function recordCreations(store: Store): Promise<void> {
  const record = (orderId: string, createdAt: number | null, upstreamStatus = 'HANDLING') =>
    store.record(observed({ orderId, createdAt, upstreamStatus }), inOneSecond);
  await record('d', T0 - 60);
  await record('a', T0 - 90, 'FULFILLED');
  await record('c', T0 - 70, 'REFUNDED');
  await record('of-unknown-age', null);
  await record('b', T0 - 80);
  await store.record(observed({ orderId: 'b2', createdAt: T0 - 80 }), never);
}

export function pages(open: OpenStore): void {
  test('all orders are counted by their creation, within both bounds', async () => {
    const store = await open();
    await recordCreations(store);
    const count = (from: number, to: number, limit = 9) =>
      store.createdCount({ from: T0 + from, to: T0 + to, limit });
    expect(await count(-90, -60)).toBe(5);
    expect(await count(-89, -61)).toBe(3);
    expect(await count(-80, -80)).toBe(2);
    expect(await count(-59, 0)).toBe(0);
    expect(await count(-60, -90)).toBe(0);
    expect(await count(-90, -60, 4)).toBe(4);
    expect(await count(-90, -60, Infinity)).toBe(5);
  });

  test('a page ends at its last row, and has no end where it is not full', async () => {
    const store = await open();
    await recordCreations(store);
    const end = (from: number, rows: number) => store.pageEnd({ from: T0 + from, rows });
    expect(await end(-100, 1)).toBe(T0 - 90);
    expect(await end(-90, 2)).toBe(T0 - 80);
    expect(await end(-90, 3)).toBe(T0 - 80);
    expect(await end(-90, 4)).toBe(T0 - 70);
    expect(await end(-79, 2)).toBe(T0 - 60);
    expect(await end(-79, 3)).toBeUndefined();
    expect(await end(-59, 1)).toBeUndefined();
  });

  test('and the same backwards', async () => {
    const store = await open();
    await recordCreations(store);
    const start = (to: number, rows: number) => store.pageStart({ to: T0 + to, rows });
    expect(await start(0, 1)).toBe(T0 - 60);
    expect(await start(-60, 2)).toBe(T0 - 70);
    expect(await start(-60, 4)).toBe(T0 - 80);
    expect(await start(-60, 5)).toBe(T0 - 90);
    expect(await start(-81, 1)).toBe(T0 - 90);
    expect(await start(-60, 6)).toBeUndefined();
    expect(await start(-91, 1)).toBeUndefined();
  });

  test('an order whose creation is told anew moves', async () => {
    const store = await open();
    await recordCreations(store);
    await store.record(
      observed({ orderId: 'd', observedAt: T0 + 1, createdAt: T0 - 95 }),
      inOneSecond,
    );
    expect(await store.pageEnd({ from: T0 - 100, rows: 1 })).toBe(T0 - 95);
    expect(await store.pageStart({ to: T0, rows: 1 })).toBe(T0 - 70);
  });
}
