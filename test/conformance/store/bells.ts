import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import type { OpenStore } from './observations.ts';
import { append, inOneSecond, ORDER, observed, T0, versions } from './observations.ts';

export function bells(open: OpenStore): void {
  test('ring after the commit: who reads then finds the snapshot', async () => {
    const store = await open();
    const reads: Promise<number[]>[] = [];
    store.onAppend(ORDER, () => {
      reads.push(store.read(ORDER, { limit: 10, from: 'oldest' }).then(versions));
    });
    await append(store, { count: 2 });
    const [first, second] = await Promise.all(reads);
    expect(first).toContain(1);
    expect(second).toEqual([1, 2]);
  });

  test('one that appends in its turn is in no transaction', async () => {
    const store = await open();
    const nested: Promise<unknown>[] = [];
    const takeDown = store.onAppend(ORDER, () => {
      takeDown();
      nested.push(store.record(observed({ ref: 'b', observedAt: T0 + 1 }), inOneSecond));
    });
    await store.record(observed({ ref: 'a' }), inOneSecond);
    await Promise.all(nested);
    expect((await store.find(ORDER))?.latest).toMatchObject({ ref: 'b', version: 2 });
  });

  test('ring for their own order only', async () => {
    const store = await open();
    let rings = 0;
    store.onAppend('another', () => {
      rings += 1;
    });
    await append(store, { count: 3 });
    expect(rings).toBe(0);
  });

  test('one that was taken down is silent, and the others go on', async () => {
    const store = await open();
    const rung: string[] = [];
    const takeDown = store.onAppend(ORDER, () => rung.push('first'));
    store.onAppend(ORDER, () => rung.push('second'));
    await store.record(observed({ ref: 'a' }), inOneSecond);
    takeDown();
    takeDown();
    await store.record(observed({ ref: 'b' }), inOneSecond);
    expect(rung.filter((name) => name === 'first')).toHaveLength(1);
    expect(rung.filter((name) => name === 'second').length).toBeGreaterThanOrEqual(2);
  });

  test('the same function hung twice is two bells', async () => {
    const store = await open();
    let rings = 0;
    const ring = () => {
      rings += 1;
    };
    const takeDown = store.onAppend(ORDER, ring);
    store.onAppend(ORDER, ring);
    takeDown();
    await store.record(observed(), inOneSecond);
    expect(rings).toBeGreaterThanOrEqual(1);
  });

  test('one that throws harms neither the append nor the other bells, and is not kept quiet', async () => {
    const store = await open();
    let rings = 0;
    store.onAppend(ORDER, () => {
      throw new TypeError('a cracked bell');
    });
    store.onAppend(ORDER, () => {
      rings += 1;
    });
    const warned = unprintedWarning();
    const { appended } = await store.record(observed(), inOneSecond);
    expect(appended?.version).toBe(1);
    expect(rings).toBeGreaterThanOrEqual(1);
    expect((await store.find(ORDER))?.latest.version).toBe(1);
    expect(await warned).toEqual(new TypeError('a cracked bell'));
  });
}

/** The next warning of this process. Node does not print it: it is expected. */
async function unprintedWarning(): Promise<unknown> {
  const printers = process.listeners('warning');
  process.removeAllListeners('warning');
  onTestFinished(() => {
    for (const printer of printers) process.on('warning', printer);
  });
  const [warning] = await once(process, 'warning');
  return warning;
}
