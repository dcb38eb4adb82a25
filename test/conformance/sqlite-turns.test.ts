import { setImmediate } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { describe, expect } from 'vitest';
import { test } from './sqlite/folder.ts';
import { append, inOneSecond, ORDER, observed, T0 } from './store/observations.ts';

const NEXT = { upstreamStatus: 'QUEUED', observedAt: T0 + 9 };

/** Far more than are asked within one transaction. */
const MANY = 1_000;

describe('what is read within a turn of the event loop is read at once', () => {
  test('but what is written here is seen by whoever asks next', async ({ open }) => {
    const store = await open();
    await append(store, { count: 1 });
    expect((await store.find(ORDER))?.latest.version).toBe(1);
    await store.record(observed(NEXT), inOneSecond);
    expect((await store.find(ORDER))?.latest.version).toBe(2);
  });

  test('what another connection writes is seen in the next turn', async ({ open }) => {
    const [store, other] = [await open(), await open()];
    await append(store, { count: 1 });
    expect((await store.find(ORDER))?.latest.version).toBe(1);
    await other.record(observed(NEXT), inOneSecond);
    await setImmediate();
    expect((await store.find(ORDER))?.latest.version).toBe(2);
  });

  test('or, in a turn that does not end, after so many questions', async ({ open }) => {
    const [store, other] = [await open(), await open()];
    await append(store, { count: 1 });
    expect((await store.find(ORDER))?.latest.version).toBe(1);
    await other.record(observed(NEXT), inOneSecond);
    let versions = 0;
    for (let asked = 0; asked < MANY; asked += 1) {
      versions = (await store.find(ORDER))?.latest.version ?? 0;
    }
    expect(versions).toBe(2);
  });

  test('keeps no transaction open after the turn, which would hold up the write-ahead log', async ({
    open,
    path,
  }) => {
    const store = await open();
    await append(store, { count: 1 });
    await store.find(ORDER);
    await setImmediate();
    const other = new Database(path);
    const [checkpoint] = other.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
    other.close();
    expect(checkpoint?.busy).toBe(0);
  });

  test('and a store that is closed in the middle of one is closed', async ({ open }) => {
    const store = await open();
    await append(store, { count: 1 });
    await store.find(ORDER);
    await store.close();
    await expect(store.find(ORDER)).rejects.toThrow('closed');
    await setImmediate();
  });
});
