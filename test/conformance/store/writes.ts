import { expect, test } from 'vitest';
import type { OpenStore } from './observations.ts';
import { append, inOneSecond, ORDER, observed, T0 } from './observations.ts';

export function writes(open: OpenStore): void {
  test('comes after each commit: of a snapshot, a check, and a place in the schedule', async () => {
    const store = await open();
    const written: string[] = [];
    store.onWrite((orderId) => written.push(orderId));
    await store.record(observed({ ref: 'a' }), inOneSecond);
    await store.record(observed({ ref: 'a', observedAt: T0 + 1 }), inOneSecond);
    await store.reschedule(ORDER, { dueAt: T0 + 5, failures: 1 });
    expect(written).toEqual([ORDER, ORDER, ORDER]);
  });

  test('tells what was recorded', async () => {
    const store = await open();
    const written: unknown[] = [];
    store.onWrite((_orderId, recorded) => written.push(recorded));
    const first = await store.record(observed({ ref: 'a' }), inOneSecond);
    const check = await store.record(observed({ ref: 'a', observedAt: T0 + 1 }), inOneSecond);
    await store.reschedule(ORDER, { dueAt: T0 + 5, failures: 1 });
    expect(written).toEqual([first, check, undefined]);
    expect([first.appended?.version, check.appended]).toEqual([1, undefined]);
  });

  test('comes once all of a batch is committed, and before the first bell rings', async () => {
    const store = await open();
    const heard: string[] = [];
    store.onWrite((orderId) => {
      heard.push(`written ${orderId}`);
    });
    store.onAppend(ORDER, () => heard.push('rung'));
    await store.recordAll([observed({ ref: 'a' })], inOneSecond);
    expect(heard).toEqual([`written ${ORDER}`, 'rung']);
  });

  test('comes before whoever wrote goes on', async () => {
    const store = await open();
    let written = 0;
    store.onWrite(() => {
      written += 1;
    });
    await append(store, { count: 3 });
    expect(written).toBe(3);
  });

  test('comes no more once it was ended', async () => {
    const store = await open();
    const written: string[] = [];
    const end = store.onWrite((orderId) => written.push(orderId));
    end();
    await append(store, { count: 1 });
    expect(written).toEqual([]);
  });

  test('does not come of an observation that is out of date', async () => {
    const store = await open();
    await store.record(observed({ ref: 'a', observedAt: T0 + 5 }), inOneSecond);
    const written: string[] = [];
    store.onWrite((orderId) => written.push(orderId));
    await store.record(observed({ ref: 'b', observedAt: T0 }), inOneSecond);
    expect(written).toEqual([]);
  });
}
