import { expect, test } from 'vitest';
import type { Range } from '../../../src/core/store.ts';
import type { OpenStore } from './observations.ts';
import { append, ORDER, versions } from './observations.ts';

type Case = readonly [range: Range, versions: readonly number[]];

/** Of an order with the versions 1 to 5. */
const RANGES: readonly Case[] = [
  [{ limit: 100, from: 'oldest' }, [1, 2, 3, 4, 5]],
  [{ limit: 100, from: 'newest' }, [1, 2, 3, 4, 5]],
  [{ limit: 2, from: 'oldest' }, [1, 2]],
  [{ limit: 2, from: 'newest' }, [4, 5]],
  [{ after: 2, limit: 100, from: 'oldest' }, [3, 4, 5]],
  [{ before: 3, limit: 100, from: 'oldest' }, [1, 2]],
  [{ after: 1, before: 5, limit: 100, from: 'newest' }, [2, 3, 4]],
  [{ after: 1, before: 5, limit: 2, from: 'oldest' }, [2, 3]],
  [{ after: 1, before: 5, limit: 2, from: 'newest' }, [3, 4]],
  [{ after: 0, before: 6, limit: 5, from: 'newest' }, [1, 2, 3, 4, 5]],
  [{ after: undefined, before: undefined, limit: 1, from: 'oldest' }, [1]],
  [{ after: 5, limit: 100, from: 'oldest' }, []],
  [{ after: 999_999_999_999_999, limit: 100, from: 'oldest' }, []],
  [{ before: 1, limit: 100, from: 'newest' }, []],
  [{ after: 3, before: 3, limit: 100, from: 'oldest' }, []],
  [{ limit: 0, from: 'oldest' }, []],
  [{ limit: 0, from: 'newest' }, []],
  [{ limit: Number.POSITIVE_INFINITY, from: 'newest' }, [1, 2, 3, 4, 5]],
];

export function reading(open: OpenStore): void {
  test.each(RANGES)('%o gives %o', async (range, expected) => {
    const store = await open();
    await append(store, { count: 5 });
    await append(store, { orderId: 'another', count: 7 });
    expect(versions(await store.read(ORDER, range))).toEqual(expected);
  });

  test('an order that was never observed has no snapshots', async () => {
    const store = await open();
    expect(await store.read(ORDER, { limit: 10, from: 'oldest' })).toEqual([]);
  });
}
