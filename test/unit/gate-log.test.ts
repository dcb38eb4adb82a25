import { expect, it } from 'vitest';
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

it('a store that cannot be written is told of when it fails and when it can be written again', async () => {
  const memory = createMemoryStore();
  let isFull = true;
  const record: typeof memory.record = (...args) =>
    isFull ? Promise.reject(new Error('disk full')) : memory.record(...args);
  const store = Object.assign(createMemoryStore(), { record });
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
  // A call that brings nothing to write proves nothing.
  client.answer(() => ({ kind: 'unknown' }));
  await Promise.all([poller.lookup('f'.repeat(24)), clock.advance(2_000)]);
  expect(poller.canRecord).toBe(false);
  isFull = false;
  client.answer((id, at) => observed(id, at));
  await Promise.all([poller.lookup(ORDER_ID), clock.advance(2_000)]);
  expect(poller.canRecord).toBe(true);
  const again = { level: 'info', message: 'answers of OneClickDz can be written down again' };
  const told = logger.lines.find(({ message }) => message === again.message);
  expect(told?.fields).toEqual({ afterSeconds: 4 });
  expect(lines().filter(({ message }) => message !== 'snapshot')).toEqual([failing, again]);
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
