import { expect, test } from 'vitest';
import type { Store } from '../../../src/core/store.ts';
import type { OpenStore } from './observations.ts';
import { inOneSecond, ORDER, observed, versions } from './observations.ts';

const APPENDS = 50;
const UP_TO_LAST = Array.from({ length: APPENDS }, (_, index) => index + 1);

/** Reads on from its own cursor at each ring, a few at a time, until the last version has come. */
function follow(store: Store): Promise<number[]> {
  const { promise, resolve, reject } = Promise.withResolvers<number[]>();
  const seen: number[] = [];
  const readOn = async () => {
    const after = seen.at(-1) ?? 0;
    const found = versions(await store.read(ORDER, { after, limit: 3, from: 'oldest' }));
    seen.push(...found);
    if (seen.length >= APPENDS) resolve(seen);
    else if (found.length > 0) await readOn();
  };
  let reading = Promise.resolve();
  store.onAppend(ORDER, () => {
    reading = reading.then(readOn);
    reading.catch(reject);
  });
  return promise;
}

export function concurrency(open: OpenStore): void {
  test('50 at once on one order take the versions 1 to 50, each once', async () => {
    const store = await open();
    const recorded = await Promise.all(
      UP_TO_LAST.map((nth) => store.record(observed({ ref: `ref-${nth}` }), inOneSecond)),
    );
    const taken = recorded.map(({ appended }) => appended?.version ?? 0);
    expect(taken.toSorted((a, b) => a - b)).toEqual(UP_TO_LAST);
    const log = await store.read(ORDER, { limit: 100, from: 'oldest' });
    expect(versions(log)).toEqual(UP_TO_LAST);
    expect(new Set(log.map(({ ref }) => ref)).size).toBe(APPENDS);
  });

  test('of 50 at once that say the same, one appends', async () => {
    const store = await open();
    const recorded = await Promise.all(UP_TO_LAST.map(() => store.record(observed(), inOneSecond)));
    expect(recorded.filter(({ appended }) => appended !== undefined)).toHaveLength(1);
  });

  test('every follower of a cursor sees each version once, in order', async () => {
    const store = await open();
    const followers = [follow(store), follow(store), follow(store)];
    await Promise.all(
      UP_TO_LAST.map((nth) => store.record(observed({ ref: `ref-${nth}` }), inOneSecond)),
    );
    expect(await Promise.all(followers)).toEqual([UP_TO_LAST, UP_TO_LAST, UP_TO_LAST]);
  });
}
