import { expect, test } from 'vitest';
import { decodeCursor, encodeCursor } from '../../../src/core/cursor.ts';
import type { OpenStore } from './observations.ts';
import { append, inOneSecond, ORDER, observed } from './observations.ts';

export function lifetime(open: OpenStore): void {
  test('a note is recalled as it was last written', async () => {
    const store = await open();
    expect(await store.recall('breaker')).toBeUndefined();
    await store.note('breaker', '{"openUntil":1}');
    await store.note('budget', '');
    await store.note('breaker', 'مغلق');
    expect(await store.recall('breaker')).toBe('مغلق');
    expect(await store.recall('budget')).toBe('');
  });

  test('a log keeps its id, and no two logs share one', async () => {
    const [store, another] = [await open(), await open()];
    const { logId } = store;
    await append(store, { count: 3 });
    for (const name of ['logId', 'log', 'id']) await store.note(name, 'mine');
    expect(store.logId).toBe(logId);
    expect(another.logId).not.toBe(logId);
  });

  test('its id fits into a cursor', async () => {
    const { logId } = await open();
    expect(decodeCursor(encodeCursor({ logId, version: 7 }))).toEqual({ logId, version: 7 });
  });

  test('a closed store may be closed again, and refuses the rest', async () => {
    const store = await open();
    await store.close();
    await store.close();
    const closed = expect.objectContaining({ name: 'StoreError', code: 'STORE_CLOSED' });
    await expect(store.record(observed(), inOneSecond)).rejects.toEqual(closed);
    await expect(store.find(ORDER)).rejects.toEqual(closed);
    await expect(store.read(ORDER, { limit: 1, from: 'newest' })).rejects.toEqual(closed);
    await expect(store.reschedule(ORDER, { dueAt: null, failures: 0 })).rejects.toEqual(closed);
    await expect(store.due({ before: 0, limit: 1 })).rejects.toEqual(closed);
    await expect(store.recordAll([observed()], inOneSecond)).rejects.toEqual(closed);
    await expect(store.createdWithin({ from: 0, to: 1, limit: 1 })).rejects.toEqual(closed);
    await expect(store.creationTimes({ from: 0, to: 1 })).rejects.toEqual(closed);
    await expect(store.census({ overdueBefore: 0 })).rejects.toEqual(closed);
    await expect(store.note('a', 'b')).rejects.toEqual(closed);
    await expect(store.recall('a')).rejects.toEqual(closed);
  });
}
