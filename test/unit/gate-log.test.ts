import { expect, it } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import type { CheckAnswer } from '../../src/upstream/answer.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { ORDER_ID } from '../support/observations.ts';
import { startPolling } from '../support/polling.ts';
import { observed } from '../support/scripted-client.ts';

const FAILED: CheckAnswer = { kind: 'failed', reason: 'http_status', httpStatus: 503 };
const THROTTLED: CheckAnswer = { kind: 'throttled', retryAfterMs: undefined };

it('an outage is one warning with its cause, however often calls are tried in it, and one line when it is over', async () => {
  const { clock, client, poller, logger } = await startPolling();
  void poller.lookup(ORDER_ID);
  await clock.advance(5_000);
  const lines = () =>
    logger.lines.flatMap(({ level, message, fields }) =>
      level === 'debug' || message === 'snapshot' ? [] : [{ level, message, fields }],
    );
  expect(lines()).toEqual([]);
  client.answer(() => FAILED);
  const before = client.calls.length;
  await clock.advance(10 * 60_000);
  expect(client.calls.length - before).toBeGreaterThan(10);
  const outage = {
    level: 'warn',
    message: expect.stringMatching(/^OneClickDz fails/),
    fields: { reason: 'http_status', httpStatus: 503, code: undefined, waitSeconds: 2 },
  };
  expect(lines()).toEqual([outage]);
  client.answer(() => THROTTLED);
  await clock.advance(2 * 60_000);
  const slower = {
    level: 'warn',
    message: expect.stringMatching(/^OneClickDz asked us to slow down/),
    fields: { callsPerMinute: 84, waitSeconds: 15 },
  };
  expect(lines()).toEqual([outage, slower]);
  client.answer((id, at) => observed(id, at));
  await clock.advance(2 * 60_000);
  expect(lines()).toEqual([
    outage,
    slower,
    {
      level: 'info',
      message: 'OneClickDz answers again',
      fields: { afterSeconds: expect.any(Number) },
    },
  ]);
});

/** Refuses answers and notes of calls, as a full disk does, until `isFull` is set to false. */
function fullStore() {
  const memory = createMemoryStore();
  const disk = { isFull: true };
  const refuse = () => Promise.reject(new Error('disk full'));
  const record: Store['record'] = (...args) => (disk.isFull ? refuse() : memory.record(...args));
  const note: Store['note'] = (name, value) =>
    disk.isFull && name === 'call-budget' ? refuse() : memory.note(name, value);
  return { disk, store: Object.assign(createMemoryStore(), { record, note }) };
}

it('a store that cannot be written is told of when it fails and when it can be written again', async () => {
  const { disk, store } = fullStore();
  const { clock, client, poller, logger } = await startPolling({ store });
  const lines = () => logger.lines.map(({ level, message }) => ({ level, message }));
  const failing = { level: 'error', message: expect.stringMatching(/^a call could not/) };
  expect(poller.canRecord).toBe(true);
  client.answer((id, at) => observed(id, at));
  const failed = expect(poller.lookup(ORDER_ID)).rejects.toMatchObject({
    code: 'INTERNAL_SERVER_ERROR',
  });
  await clock.advance(2_000);
  await failed;
  expect(poller.canRecord).toBe(false);
  expect(lines()).toEqual([failing]);
  disk.isFull = false;
  await clock.advance(2_000);
  expect(poller.canRecord).toBe(true);
  const again = { level: 'info', message: 'the store can be written again' };
  const told = logger.lines.find(({ message }) => message === again.message);
  expect(told?.fields).toEqual({ afterSeconds: expect.any(Number) });
  expect(lines()).toEqual([failing, again]);
});

it.each([
  { of: 'the trial of the key', triesKey: true },
  { of: 'the check of an unknown order', triesKey: false },
])(
  'a store that fails once, for $of, is tried again though nothing has to be recorded',
  async ({ triesKey }) => {
    const { disk, store } = fullStore();
    const { clock, client, poller } = await startPolling({ store, triesKey });
    client.answer(() => ({ kind: 'unknown' }));
    if (!triesKey) poller.lookup(ORDER_ID).catch(() => undefined);
    await clock.advance(500);
    expect(poller.canRecord).toBe(false);
    await clock.advance(20_000);
    expect(poller.canRecord).toBe(false);
    disk.isFull = false;
    await clock.advance(2_000);
    expect(poller.canRecord).toBe(true);
  },
);

it('a store that fails once is known to be mended though OneClickDz fails for hours', async () => {
  const { disk, store } = fullStore();
  disk.isFull = false;
  const { clock, client, poller } = await startPolling({ store });
  client.answer(() => FAILED);
  // So many that one of them is always due.
  for (let nth = 0; nth < 20; nth += 1) poller.watch(nth.toString(16).padStart(24, '0'), () => {});
  await clock.advance(10 * 60_000);
  disk.isFull = true;
  await clock.advance(2 * 60_000);
  expect(poller.canRecord).toBe(false);
  disk.isFull = false;
  await clock.advance(5 * 60_000);
  expect(poller.canRecord).toBe(true);
});

it('while the store fails, one call a second tries it, and the schedule is not read all the time', async () => {
  const record = () => Promise.reject(new Error('disk full'));
  const store = Object.assign(createMemoryStore(), { record });
  const readDue = store.due.bind(store);
  let reads = 0;
  store.due = (query) => {
    reads += 1;
    return readDue(query);
  };
  const { clock, client, poller } = await startPolling({ store });
  client.answer((id, at) => observed(id, at));
  for (let nth = 0; nth < 60; nth += 1) {
    poller.lookup(nth.toString(16).padStart(24, '0')).catch(() => undefined);
    await clock.advance(250);
  }
  expect(client.calls.length).toBeGreaterThanOrEqual(10);
  expect(client.calls.length).toBeLessThanOrEqual(16);
  // A few for each call and each query.
  expect(reads).toBeLessThan(60 * 5);
});

it('a store that goes on failing is an error once a minute, however often a call fails for it', async () => {
  const note = () => Promise.reject(new Error('disk full'));
  const store = Object.assign(createMemoryStore(), { note });
  const { clock, poller, logger } = await startPolling({ store });
  for (let second = 0; second < 90; second += 1) {
    poller.lookup(ORDER_ID, 0).catch(() => undefined);
    await clock.advance(1_000);
  }
  const errors = logger.lines.filter(({ message }) => message.startsWith('a call could not'));
  expect(errors.map(({ fields }) => fields['times'])).toEqual([1, expect.any(Number)]);
  expect(errors[1]?.fields['times']).toBeGreaterThan(20);
});

it('a store that takes notes and no answers goes on failing, and nobody is told that it is over', async () => {
  const record = () => Promise.reject(new Error('a page of the database is broken'));
  const store = Object.assign(createMemoryStore(), { record });
  const { clock, client, poller, logger } = await startPolling({ store, callsPerMinute: 10 });
  client.answer((id, at) => observed(id, at));
  poller.watch(ORDER_ID, () => undefined);
  await clock.advance(500);
  for (let second = 0; second < 60; second += 1) {
    await clock.advance(1_000);
    expect(poller.canRecord).toBe(false);
  }
  expect(logger.lines.filter(({ level }) => level === 'info')).toEqual([]);
});
