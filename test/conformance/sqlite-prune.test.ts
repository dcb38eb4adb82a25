import { readFile } from 'node:fs/promises';
import Database from 'better-sqlite3';
import { describe, expect } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import { prune } from '../../src/store/sqlite/prune.ts';
import { test } from './sqlite/folder.ts';
import { COMPLETE, inOneSecond, never, observed, T0, versions } from './store/observations.ts';

const EVERYTHING = { limit: 1_000, from: 'oldest' } as const;
const CUTOFF = T0 + 100;

/** One snapshot for each status, a millisecond apart. */
async function live(
  store: Store,
  { orderId, statuses, from = T0 }: { orderId: string; statuses: string[]; from?: number },
): Promise<void> {
  for (const [index, upstreamStatus] of statuses.entries()) {
    await store.record(
      observed({ orderId, upstreamStatus, observedAt: from + index }),
      inOneSecond,
    );
  }
}

const SETTLED = ['HANDLING', 'QUEUED', 'FULFILLED'];

function prunes(path: string, options: Partial<Parameters<typeof prune>[1]> = {}) {
  const database = new Database(path);
  const pause = async () => undefined;
  return prune(database, { before: CUTOFF, isDryRun: false, pause, ...options }).finally(() =>
    database.close(),
  );
}

/** The share of the pages of the file that hold nothing. */
function freePartOf(path: string): number {
  const database = new Database(path, { readonly: true });
  const [free, all] = ['freelist_count', 'page_count'].map((name) =>
    Number(database.pragma(name, { simple: true })),
  );
  database.close();
  return (free ?? 0) / (all ?? 1);
}

const left = async (store: Store, orderId: string) =>
  versions(await store.read(orderId, EVERYTHING));

describe('pruning', () => {
  test('leaves the last snapshot of a settled order, with its number, and all that is young', async ({
    open,
    path,
  }) => {
    const store = await open();
    await live(store, { orderId: 'old', statuses: SETTLED });
    await live(store, { orderId: 'half', statuses: SETTLED, from: CUTOFF - 1 });
    await live(store, { orderId: 'young', statuses: SETTLED, from: CUTOFF });
    expect(await prunes(path)).toEqual({ orders: 2, snapshots: 3 });
    expect(await left(store, 'old')).toEqual([3]);
    expect(await left(store, 'half')).toEqual([2, 3]);
    expect(await left(store, 'young')).toEqual([1, 2, 3]);
    expect((await store.find('old'))?.latest).toMatchObject({
      version: 3,
      upstreamStatus: 'FULFILLED',
    });
  });

  test('leaves no gap where the clock was set back between two snapshots', async ({
    open,
    path,
  }) => {
    const store = await open();
    await store.record(observed({ orderId: 'back', observedAt: CUTOFF + 10 }), inOneSecond);
    await store.clockSetBack(T0);
    for (const [ms, upstreamStatus] of ['QUEUED', 'HANDLING', 'FULFILLED'].entries()) {
      await store.record(
        observed({ orderId: 'back', upstreamStatus, observedAt: T0 + ms }),
        inOneSecond,
      );
    }
    expect(await prunes(path)).toEqual({ orders: 0, snapshots: 0 });
    expect(await left(store, 'back')).toEqual([1, 2, 3, 4]);
  });

  test('leaves orders that are not settled, abandoned ones too, and versions go on in them', async ({
    open,
    path,
  }) => {
    const store = await open();
    await live(store, { orderId: 'parked', statuses: ['HANDLING', 'QUEUED'] });
    await live(store, { orderId: 'odd', statuses: ['HANDLING', 'REJECTED'] });
    await store.reschedule('odd', { dueAt: null, failures: 0 });
    expect(await prunes(path)).toEqual({ orders: 0, snapshots: 0 });
    const { appended } = await store.record(
      observed({ orderId: 'parked', upstreamStatus: 'REFUNDED', observedAt: CUTOFF }),
      never,
    );
    expect(appended?.version).toBe(3);
    expect(await left(store, 'parked')).toEqual([1, 2, 3]);
  });

  test('a cursor of a version that is gone goes on with the first that is left', async ({
    open,
    path,
  }) => {
    const store = await open();
    await live(store, { orderId: 'half', statuses: SETTLED, from: CUTOFF - 1 });
    await prunes(path);
    const next = { after: 0, limit: 1, from: 'oldest' } as const;
    expect(versions(await store.read('half', next))).toEqual([2]);
  });

  test('a dry run counts, and leaves everything', async ({ open, path }) => {
    const store = await open();
    await live(store, { orderId: 'old', statuses: SETTLED });
    expect(await prunes(path, { isDryRun: true })).toEqual({ orders: 1, snapshots: 2 });
    expect(await left(store, 'old')).toEqual([1, 2, 3]);
  });

  test('a dry run needs no lock, whoever writes meanwhile', async ({ open, path }) => {
    const store = await open();
    await live(store, { orderId: 'old', statuses: SETTLED });
    const writer = new Database(path);
    writer.exec('BEGIN IMMEDIATE');
    expect(await prunes(path, { isDryRun: true })).toEqual({ orders: 1, snapshots: 2 });
    writer.close();
  });

  test('lets others write between its transactions, and goes on where it was interrupted', async ({
    open,
    path,
  }) => {
    const store = await open({ busyTimeoutMs: 0 });
    const orders = Array.from({ length: 450 }, (_, nth) => `order-${String(nth).padStart(3, '0')}`);
    for (const [place, upstreamStatus] of SETTLED.entries()) {
      const observedAt = T0 + place;
      await store.recordAll(
        orders.map((orderId) => observed({ orderId, upstreamStatus, observedAt })),
        inOneSecond,
      );
    }
    const interrupted = prunes(path, {
      pause: async () => {
        // Would fail at once if the lock were held.
        await store.record(observed({ orderId: 'zzz', observedAt: CUTOFF }), never);
        throw new Error('interrupted');
      },
    });
    await expect(interrupted).rejects.toThrow('interrupted');
    expect(await prunes(path)).toEqual({ orders: 250, snapshots: 500 });
    for (const orderId of orders) expect(await left(store, orderId)).toEqual([3]);
    expect(await left(store, 'zzz')).toEqual([1]);
    expect(await prunes(path)).toEqual({ orders: 0, snapshots: 0 });
  });

  test('gives room to new snapshots, whatever is left of each order as it was', async ({
    open,
    path,
  }) => {
    const store = await open();
    const orders = Array.from({ length: 2_000 }, (_, nth) => `order-${10_000 + nth}`);
    for (const [place, upstreamStatus] of ['HANDLING', 'FULFILLED'].entries()) {
      const news = { ...COMPLETE, upstreamStatus, observedAt: T0 + place };
      await store.recordAll(
        orders.map((orderId) => observed({ orderId, ...news })),
        never,
      );
    }
    const last = { limit: 1, from: 'newest' } as const;
    const read = () => Promise.all(orders.map((orderId) => store.read(orderId, last)));
    const before = await read();
    await prunes(path);
    expect(await read()).toEqual(before);
    expect(freePartOf(path)).toBeGreaterThan(0.1);
  });

  test('what it removes is in no page of the file', async ({ open, path }) => {
    const store = await open();
    const ref = 'a-reference-of-long-ago';
    // So long that what is written after it does not cover all of its place.
    const long = ref.repeat(20);
    await store.record(observed({ orderId: 'old', ref: long, observedAt: T0 }), inOneSecond);
    await store.record(
      observed({ orderId: 'old', ref: 'new', upstreamStatus: 'REFUNDED', observedAt: T0 + 1 }),
      never,
    );
    await prunes(path);
    await store.close();
    expect(await readFile(path, 'latin1')).not.toContain(ref);
  });
});
