import { expect, test } from 'vitest';
import type { Store } from '../../../src/core/store.ts';
import type { OpenStore } from './observations.ts';
import { dueAt, inOneSecond, never, ORDER, observed, T0 } from './observations.ts';

async function dueIds(store: Store, query: { before: number; limit: number }): Promise<string[]> {
  return (await store.due(query)).map(({ latest }) => latest.orderId);
}

const WHENEVER = { before: Number.MAX_SAFE_INTEGER, limit: 10 };

/** Orders named by when they are due, recorded out of order. */
async function recordDue(store: Store): Promise<void> {
  for (const ms of [30, 10, 40, 20]) {
    await store.record(observed({ orderId: `due-${ms}` }), dueAt(T0 + ms));
  }
  await store.record(observed({ orderId: 'given-up' }), never);
  await store.record(observed({ orderId: 'done', upstreamStatus: 'REFUNDED' }), dueAt(T0));
}

export function schedule(open: OpenStore): void {
  test('due orders come the longest due first, up to and with the moment asked about', async () => {
    const store = await open();
    await recordDue(store);
    expect(await dueIds(store, { before: T0 + 30, limit: 10 })).toEqual([
      'due-10',
      'due-20',
      'due-30',
    ]);
    expect(await dueIds(store, { before: T0 + 29, limit: 10 })).toEqual(['due-10', 'due-20']);
    expect(await dueIds(store, { before: T0 + 9, limit: 10 })).toEqual([]);
  });

  test('a limit holds for parked orders and for others apart, so that neither hide the others', async () => {
    const store = await open();
    await recordDue(store);
    for (const ms of [1, 2, 11]) {
      const parked = observed({ orderId: `parked-${ms}`, upstreamStatus: 'QUEUED' });
      await store.record(parked, dueAt(T0 + ms));
    }
    expect(await dueIds(store, { before: T0 + 30, limit: 2 })).toEqual([
      'parked-1',
      'parked-2',
      'due-10',
      'due-20',
    ]);
    expect(await dueIds(store, { before: T0 + 20, limit: 9 })).toEqual([
      'parked-1',
      'parked-2',
      'due-10',
      'parked-11',
      'due-20',
    ]);
  });

  test('a limit leaves out those that are due last', async () => {
    const store = await open();
    await recordDue(store);
    expect(await dueIds(store, { before: T0 + 99, limit: 2 })).toEqual(['due-10', 'due-20']);
    expect(await dueIds(store, { before: T0 + 99, limit: 0 })).toEqual([]);
    expect(await dueIds(store, { before: Infinity, limit: Infinity })).toHaveLength(4);
  });

  test('a due order comes whole', async () => {
    const store = await open();
    await store.record(observed({ ref: 'a' }), inOneSecond);
    await store.record(observed({ ref: 'b', observedAt: T0 + 1 }), inOneSecond);
    const order = await store.find(ORDER);
    expect(order?.latest.version).toBe(2);
    expect(await store.due({ before: T0 + 9_999, limit: 10 })).toEqual([order]);
  });

  test('orders that are settled or given up are never due', async () => {
    const store = await open();
    await store.record(observed({ orderId: 'given-up' }), never);
    await store.record(observed({ orderId: 'done', upstreamStatus: 'REFUNDED' }), dueAt(T0));
    expect(await dueIds(store, WHENEVER)).toEqual([]);
  });

  test('tracked orders come by their creation, within both bounds, the earliest first', async () => {
    const store = await open();
    const record = (orderId: string, createdAt: number | null, plan = inOneSecond) =>
      store.record(observed({ orderId, createdAt }), plan);
    for (const [id, ms] of [
      ['a', 30],
      ['c', 10],
      ['d', 40],
      ['b', 20],
    ] as const) {
      await record(id, T0 - 100 + ms);
    }
    await record('of-unknown-age', null);
    await record('given-up', T0 - 75, never);
    await store.record(
      observed({ orderId: 'done', createdAt: T0 - 75, upstreamStatus: 'FULFILLED' }),
      inOneSecond,
    );
    const idsWithin = async (query: { from: number; to: number; limit: number }) =>
      (await store.createdWithin(query)).map(({ latest }) => latest.orderId);
    expect(await idsWithin({ from: T0 - 90, to: T0 - 70, limit: 9 })).toEqual(['a', 'b', 'c']);
    expect(await idsWithin({ from: T0 - 89, to: T0, limit: 2 })).toEqual(['d', 'a']);
    await store.record(
      observed({ orderId: 'b', observedAt: T0 + 1, createdAt: T0 - 60 }),
      inOneSecond,
    );
    expect(await idsWithin({ from: T0 - 65, to: T0 - 60, limit: 9 })).toEqual(['d', 'b']);
  });
  rescheduling(open);
  setBack(open);
}

function setBack(open: OpenStore): void {
  test('after the clock was set back, what was checked later than now is due, and can be checked', async () => {
    const store = await open();
    const { order } = await store.record(observed(), inOneSecond);
    const written: unknown[] = [];
    store.onWrite((orderId) => written.push(orderId));
    await store.clockSetBack(T0 - 500);
    expect(await store.find(ORDER)).toEqual({ ...order, checkedAt: T0 - 500, dueAt: T0 - 500 });
    expect(written).toEqual([ORDER]);
    const told = observed({ observedAt: T0 - 400, upstreamStatus: 'QUEUED' });
    const { order: next } = await store.record(told, inOneSecond);
    expect(next).toMatchObject({ checkedAt: T0 - 400, trackedSince: T0 - 400, dueAt: T0 + 600 });
    expect(next.latest).toMatchObject({ version: 2, observedAt: T0 - 400 });
    expect(await store.find(ORDER)).toEqual(next);
  });

  test('a check that brings nothing new leaves no time of an order in the future', async () => {
    const store = await open();
    await store.record(observed(), inOneSecond);
    await store.clockSetBack(T0 - 500);
    const { order } = await store.record(observed({ observedAt: T0 - 400 }), inOneSecond);
    expect(order).toMatchObject({ statusSince: T0 - 400, trackedSince: T0 - 400 });
    expect(await store.find(ORDER)).toEqual(order);
  });

  test('after the clock was set back, what waits after a failure is due, and nothing else', async () => {
    const store = await open();
    const ids = ['failed', 'well', 'given-up', 'failed-and-due'];
    for (const orderId of ids) await store.record(observed({ orderId }), dueAt(T0 + 9_000));
    const done = observed({ orderId: 'done', upstreamStatus: 'REFUNDED', observedAt: T0 + 7 });
    const { order } = await store.record(done, never);
    await store.reschedule('failed', { dueAt: T0 + 8_000, failures: 1 });
    await store.reschedule('given-up', { dueAt: null, failures: 1 });
    await store.reschedule('failed-and-due', { dueAt: T0 - 1, failures: 1 });
    await store.record(observed({ orderId: 'later-and-due', observedAt: T0 + 7 }), dueAt(T0 - 2));
    await store.record(observed({ orderId: 'later-and-given-up', observedAt: T0 + 7 }), never);
    await store.clockSetBack(T0 + 5);
    const dueTimes = (await store.due(WHENEVER)).map((each) => [each.latest.orderId, each.dueAt]);
    expect(dueTimes).toEqual([
      ['later-and-due', T0 - 2],
      ['failed-and-due', T0 - 1],
      ['failed', T0 + 5],
      ['well', T0 + 9_000],
    ]);
    expect(await store.find('done')).toEqual(order);
    expect(await store.find('failed')).toMatchObject({ checkedAt: T0 });
    expect(await store.find('later-and-given-up')).toMatchObject({
      checkedAt: T0 + 5,
      dueAt: null,
    });
  });
}

function rescheduling(open: OpenStore): void {
  test('rescheduling changes the schedule and nothing else', async () => {
    const store = await open();
    const { order } = await store.record(observed(), inOneSecond);
    await store.reschedule(ORDER, { dueAt: T0 + 5_000, failures: 2 });
    expect(await store.find(ORDER)).toEqual({ ...order, dueAt: T0 + 5_000, failures: 2 });
  });

  test('an order that was given up is woken', async () => {
    const store = await open();
    const { order } = await store.record(observed(), inOneSecond);
    await store.reschedule(ORDER, { dueAt: null, failures: 0 });
    expect(await store.due({ before: Infinity, limit: 10 })).toEqual([]);
    const woken = { dueAt: T0 + 9_000, failures: 0, trackedSince: T0 + 9_000 };
    await store.reschedule(ORDER, woken);
    expect(await store.find(ORDER)).toEqual({ ...order, ...woken });
    const { order: checked } = await store.record(
      observed({ observedAt: T0 + 9_500 }),
      inOneSecond,
    );
    expect(checked.trackedSince).toBe(T0 + 9_000);
  });

  test.each(['FULFILLED', 'REFUNDED'])(
    'an order that is %s cannot be rescheduled',
    async (upstreamStatus) => {
      const store = await open();
      const { order } = await store.record(observed({ upstreamStatus }), inOneSecond);
      await store.reschedule(ORDER, { dueAt: T0 + 1, failures: 4, trackedSince: T0 + 1 });
      expect(await store.find(ORDER)).toEqual(order);
      expect(await dueIds(store, WHENEVER)).toEqual([]);
    },
  );

  test('rescheduling an order that was never observed does nothing', async () => {
    const store = await open();
    await store.reschedule(ORDER, { dueAt: T0, failures: 0 });
    expect(await store.find(ORDER)).toBeUndefined();
    expect(await dueIds(store, WHENEVER)).toEqual([]);
  });
}
