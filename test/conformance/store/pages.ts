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
  test('all orders are told by their creation, within both bounds, the earliest first', async () => {
    const store = await open();
    await recordCreations(store);
    const within = async (from: number, to: number) =>
      (await store.creationTimes({ from: T0 + from, to: T0 + to })).map((at) => at - T0);
    expect(await within(-90, -60)).toEqual([-90, -80, -80, -70, -60]);
    expect(await within(-89, -61)).toEqual([-80, -80, -70]);
    expect(await within(-59, 0)).toEqual([]);
    expect(await within(-60, -90)).toEqual([]);
  });

  test('an order whose creation is told anew moves', async () => {
    const store = await open();
    await recordCreations(store);
    await store.record(
      observed({ orderId: 'd', observedAt: T0 + 1, createdAt: T0 - 95 }),
      inOneSecond,
    );
    expect(await store.creationTimes({ from: T0 - 100, to: T0 - 90 })).toEqual([T0 - 95, T0 - 90]);
  });
}
