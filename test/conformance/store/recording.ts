import { expect, test } from 'vitest';
import type { OpenStore } from './observations.ts';
import { COMPLETE, inOneSecond, ORDER, observed, T0, versions } from './observations.ts';

const EVERYTHING = { limit: 100, from: 'oldest' } as const;

export function recording(open: OpenStore): void {
  test('the first observation becomes version 1, with an absent detail as null', async () => {
    const store = await open();
    const { appended, order } = await store.record(observed(), inOneSecond);
    expect(appended).toEqual({ ...observed(), version: 1 });
    expect(order.latest).toEqual(appended);
    expect(await store.find(ORDER)).toEqual(order);
    expect(await store.read(ORDER, EVERYTHING)).toEqual([appended]);
  });

  test('every detail comes back as it was told: Arabic, emoji, fractions of a dinar', async () => {
    const store = await open();
    await store.record(observed(COMPLETE), inOneSecond);
    const expected = { ...observed(COMPLETE), version: 1 };
    expect((await store.find(ORDER))?.latest).toEqual(expected);
    expect(await store.read(ORDER, EVERYTHING)).toEqual([expected]);
  });

  test.each([0, 0.1, 99.99, 1e15, -3])(
    'an amount of %d comes back as the same number',
    async (amount) => {
      const store = await open();
      await store.record(observed({ amount }), inOneSecond);
      expect((await store.find(ORDER))?.latest.amount).toBe(amount);
      const again = await store.record(observed({ amount, observedAt: T0 + 1 }), inOneSecond);
      expect(again.appended).toBeUndefined();
    },
  );

  test('an observation that says nothing new appends nothing', async () => {
    const store = await open();
    const { order } = await store.record(observed(COMPLETE), inOneSecond);
    const again = await store.record(observed({ ...COMPLETE, observedAt: T0 + 5 }), inOneSecond);
    expect(again.appended).toBeUndefined();
    expect(again.order.latest).toMatchObject({ version: 1, observedAt: T0 });
    expect(again.order.checkedAt).toBe(T0 + 5);
    expect(again.before).toEqual(order);
    expect(await store.find(ORDER)).toEqual(again.order);
    expect(await store.read(ORDER, EVERYTHING)).toHaveLength(1);
  });

  test('an observation that differs is the next version, and the earlier ones stay', async () => {
    const store = await open();
    await store.record(observed({ ref: 'a' }), inOneSecond);
    await store.record(observed({ ref: 'b', observedAt: T0 + 1 }), inOneSecond);
    await store.record(observed({ ref: 'a', observedAt: T0 + 2 }), inOneSecond);
    expect(await store.read(ORDER, EVERYTHING)).toEqual([
      { ...observed({ ref: 'a' }), version: 1 },
      { ...observed({ ref: 'b', observedAt: T0 + 1 }), version: 2 },
      { ...observed({ ref: 'a', observedAt: T0 + 2 }), version: 3 },
    ]);
  });

  test('a detail that was told once is carried forward', async () => {
    const store = await open();
    await store.record(observed(COMPLETE), inOneSecond);
    const { appended } = await store.record(
      observed({ upstreamStatus: 'QUEUED', observedAt: T0 + 1 }),
      inOneSecond,
    );
    expect(appended).toEqual({
      ...observed(COMPLETE),
      upstreamStatus: 'QUEUED',
      observedAt: T0 + 1,
      version: 2,
    });
  });

  test('half a surrogate pair is not told as new at each check', async () => {
    const store = await open();
    const half = 'a\uD800b';
    const broken = {
      upstreamStatus: half,
      ref: half,
      type: half,
      number: half,
      cardCode: half,
      transactionNumber: half,
      refundMessage: half,
    };
    await store.record(observed(broken), inOneSecond);
    const again = await store.record(observed({ ...broken, observedAt: T0 + 1 }), inOneSecond);
    expect(again.appended).toBeUndefined();
    const mended = Object.keys(broken).map((name) => [name, 'a\uFFFDb']);
    expect(again.order.latest).toMatchObject(Object.fromEntries(mended));
  });
  settled(open);
}

function settled(open: OpenStore): void {
  test.each(['FULFILLED', 'REFUNDED'])(
    'nothing follows a snapshot that is %s',
    async (upstreamStatus) => {
      const store = await open();
      await store.record(observed({ upstreamStatus }), inOneSecond);
      const after = await store.record(
        observed({ upstreamStatus: 'HANDLING', ref: 'late', observedAt: T0 + 1 }),
        inOneSecond,
      );
      expect(after.appended).toBeUndefined();
      expect(after.order).toMatchObject({ checkedAt: T0 + 1, dueAt: null });
      expect(versions(await store.read(ORDER, EVERYTHING))).toEqual([1]);
      expect((await store.find(ORDER))?.latest.upstreamStatus).toBe(upstreamStatus);
    },
  );

  test('a word that we do not know is kept as it came, and settles nothing', async () => {
    const store = await open();
    await store.record(observed({ upstreamStatus: 'Teleporté ✓' }), inOneSecond);
    const { appended } = await store.record(
      observed({ upstreamStatus: 'FULFILLED', observedAt: T0 + 1 }),
      inOneSecond,
    );
    expect(appended?.version).toBe(2);
    const [first] = await store.read(ORDER, EVERYTHING);
    expect(first?.upstreamStatus).toBe('Teleporté ✓');
  });

  test('an observation from before the last check is out of date, and ignored', async () => {
    const store = await open();
    const { order } = await store.record(
      observed({ ref: 'new', observedAt: T0 + 10 }),
      inOneSecond,
    );
    const late = await store.record(
      observed({ upstreamStatus: 'REFUNDED', ref: 'old', observedAt: T0 + 9 }),
      inOneSecond,
    );
    expect(late).toEqual({ order, before: order, appended: undefined });
    expect(await store.find(ORDER)).toEqual(order);
    expect(await store.read(ORDER, EVERYTHING)).toHaveLength(1);
  });

  test('an observation of the same millisecond as the last check counts', async () => {
    const store = await open();
    await store.record(observed({ ref: 'a' }), inOneSecond);
    const { appended } = await store.record(observed({ ref: 'b' }), inOneSecond);
    expect(appended?.version).toBe(2);
  });

  test('a planner that throws leaves nothing behind', async () => {
    const store = await open();
    const failing = () => {
      throw new RangeError('no plan');
    };
    await expect(store.record(observed(), failing)).rejects.toThrow(new RangeError('no plan'));
    expect(await store.find(ORDER)).toBeUndefined();
    expect(await store.read(ORDER, EVERYTHING)).toEqual([]);
    const { appended } = await store.record(observed(), inOneSecond);
    expect(appended?.version).toBe(1);
  });

  test('many observations are recorded as one after the other, each with its answer', async () => {
    const [store, reference] = [await open(), await open()];
    const batch = [
      observed({ orderId: 'a' }),
      observed({ orderId: 'b', upstreamStatus: 'QUEUED' }),
      observed({ orderId: 'a', upstreamStatus: 'FULFILLED', observedAt: T0 + 1 }),
    ];
    const rung: string[] = [];
    for (const id of ['a', 'b']) store.onAppend(id, () => rung.push(id));
    const together = await store.recordAll(batch, inOneSecond);
    const single = [];
    for (const each of batch) single.push(await reference.record(each, inOneSecond));
    expect(together).toEqual(single);
    expect(rung.sort()).toEqual(['a', 'a', 'b']);
    expect(await store.recordAll([], inOneSecond)).toEqual([]);
  });
}
