import { expect, test } from 'vitest';
import { addDemoOrders } from '../../src/simulator/demo.ts';
import {
  fulfilledAfter,
  LONGEST_HANDLING_MS,
  type Plan,
  QUEUED_MS,
  queuedThenFulfilled,
  REFUND_MESSAGE,
  refundedAfter,
  SHORTEST_HANDLING_MS,
  scripted,
  stepAt,
  unnamedThenFulfilled,
  whenFirstAsked,
} from '../../src/simulator/life.ts';
import { createSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { ManualClock } from '../support/manual-clock.ts';

const NOW = Date.UTC(2026, 0, 1);

function setUp(seed = 1) {
  const clock = new ManualClock(NOW);
  return { clock, simulator: createSimulator({ clock, seed }) };
}

async function ask(simulator: Simulator, path: string): Promise<{ data: Record<string, unknown> }> {
  const headers = { 'x-access-token': simulator.apiKey };
  const response = await simulator.fetch(`https://simulator.test${path}`, { headers });
  return response.json();
}

async function check(simulator: Simulator, id: string): Promise<Record<string, unknown>> {
  return (await ask(simulator, `/v3/internet/check-id/${id}`)).data;
}

const statusesOf = (plan: Plan, agesMs: number[]) =>
  agesMs.map((ageMs) => stepAt(plan, ageMs).status);

test('a step begins at its very millisecond', () => {
  expect(statusesOf(fulfilledAfter(5_000), [0, 4_999, 5_000, 1e12])).toEqual([
    'HANDLING',
    'HANDLING',
    'FULFILLED',
    'FULFILLED',
  ]);
  expect(statusesOf(queuedThenFulfilled(9), [0, QUEUED_MS - 1, QUEUED_MS, QUEUED_MS + 9])).toEqual([
    'QUEUED',
    'QUEUED',
    'HANDLING',
    'FULFILLED',
  ]);
  expect(statusesOf(unnamedThenFulfilled(7), [6, 7])).toEqual(['VERIFYING', 'FULFILLED']);
});

test('a life must begin at once, and its steps must be in order', () => {
  const step = (afterMs: number) => ({ afterMs, status: 'HANDLING' });
  expect(() => scripted([])).toThrow(RangeError);
  expect(() => scripted([step(1)])).toThrow(RangeError);
  expect(() => scripted([step(0), step(2), step(1)])).toThrow(RangeError);
  expect(scripted([step(0), step(0), step(2)]).steps).toHaveLength(3);
});

test('the card comes with FULFILLED and not before', async () => {
  const { clock, simulator } = setUp();
  const id = simulator.addOrder({ plan: fulfilledAfter(5_000), ref: 'a-ref' });
  const handling = {
    _id: id,
    ref: 'a-ref',
    status: 'HANDLING',
    type: 'ADSL',
    number: '036362608',
    topup_amount: 1_000,
    created_at: '2026-01-01T00:00:00.000Z',
  };
  await clock.advance(4_999);
  expect(await check(simulator, id)).toEqual(handling);
  await clock.advance(60_000);
  expect(await check(simulator, id)).toEqual({
    ...handling,
    status: 'FULFILLED',
    card_code: expect.stringMatching(/^\d{12}$/),
    num_trans: expect.stringMatching(/^AT-2026-\d{5}$/),
    date_traitement: '2026-01-01T00:00:05.000Z',
  });
});

test('a refund comes with its message and without a card', async () => {
  const { clock, simulator } = setUp();
  const id = simulator.addOrder({ plan: refundedAfter(1_000) });
  expect(await check(simulator, id)).not.toHaveProperty('refund_message');
  await clock.advance(1_000);
  const topup = await check(simulator, id);
  expect(topup).toMatchObject({ status: 'REFUNDED', refund_message: REFUND_MESSAGE });
  expect(topup).not.toHaveProperty('card_code');
});

test('an id begins with the creation time in seconds', () => {
  const { simulator } = setUp();
  const createdAt = Date.UTC(2025, 9, 29, 1) + 999;
  const id = simulator.addOrder({ plan: 'fulfilled', createdAt });
  expect(id).toMatch(/^[0-9a-f]{24}$/);
  expect(Number.parseInt(id.slice(0, 8), 16)).toBe(Date.UTC(2025, 9, 29, 1) / 1_000);
});

test('the same seed and times give the same ids, cards and lives; another seed gives others', async () => {
  async function history(seed: number) {
    const { clock, simulator } = setUp(seed);
    const ids = Array.from({ length: 20 }, () => simulator.addOrder({ plan: 'any' }));
    const seen: unknown[] = [];
    for (let round = 0; round < 5; round += 1) {
      await clock.advance(10_000);
      for (const id of ids) seen.push(await check(simulator, id));
      await clock.advance(60_000);
    }
    return seen;
  }
  const first = await history(7);
  expect(await history(7)).toEqual(first);
  expect(await history(8)).not.toEqual(first);
});

test('a sent order is handled for 3 to 45 s', async () => {
  const { clock, simulator } = setUp();
  const ids = Array.from({ length: 50 }, () => simulator.addOrder({ plan: 'fulfilled' }));
  await clock.advance(LONGEST_HANDLING_MS);
  const durations: number[] = [];
  for (const id of ids) {
    const topup = await check(simulator, id);
    durations.push(Date.parse(String(topup['date_traitement'])) - NOW);
  }
  expect(Math.min(...durations)).toBeGreaterThanOrEqual(SHORTEST_HANDLING_MS);
  expect(Math.max(...durations)).toBeLessThanOrEqual(LONGEST_HANDLING_MS);
  expect(new Set(durations).size).toBeGreaterThan(40);
});

test('an order that starts when first asked for waits for that, and a list does not show it', async () => {
  const { clock, simulator } = setUp();
  const plan = whenFirstAsked(fulfilledAfter(30_000));
  const id = simulator.addOrder({ plan, ref: 'waits' });
  await clock.advance(3_600_000);
  expect((await ask(simulator, '/v3/internet/list')).data).toMatchObject({ topups: [] });
  expect((await ask(simulator, '/v3/internet/check-ref/waits')).data).toMatchObject({
    _id: id,
    status: 'HANDLING',
    created_at: '2026-01-01T01:00:00.000Z',
  });
  await clock.advance(30_000);
  expect(await check(simulator, id)).toMatchObject({ status: 'FULFILLED' });
  expect((await ask(simulator, '/v3/internet/list')).data).toMatchObject({ topups: [{ _id: id }] });
});

test('the demo orders keep their ids, and tell the stories that they announce', async () => {
  const { clock, simulator } = setUp();
  const demo = addDemoOrders(simulator);
  expect(demo).toEqual(addDemoOrders(setUp(99).simulator));
  await clock.advance(600_000);
  const statuses = async () => {
    const topups = await Promise.all(demo.map(({ id }) => check(simulator, id)));
    return topups.map((topup, index) => `${demo[index]?.story}: ${topup?.['status']}`);
  };
  const atFirst = await statuses();
  await clock.advance(30_000);
  const later = await statuses();
  await clock.advance(100_000);
  expect([atFirst, later, await statuses()]).toMatchInlineSnapshot(`
    [
      [
        "fulfilled after 30 s: HANDLING",
        "fulfilled at once: FULFILLED",
        "refunded after 20 s: HANDLING",
        "queued for 2 minutes, fulfilled 10 s later: QUEUED",
        "in a status that no document names, fulfilled after 30 s: VERIFYING",
        "unknown order: undefined",
      ],
      [
        "fulfilled after 30 s: FULFILLED",
        "fulfilled at once: FULFILLED",
        "refunded after 20 s: REFUNDED",
        "queued for 2 minutes, fulfilled 10 s later: QUEUED",
        "in a status that no document names, fulfilled after 30 s: FULFILLED",
        "unknown order: undefined",
      ],
      [
        "fulfilled after 30 s: FULFILLED",
        "fulfilled at once: FULFILLED",
        "refunded after 20 s: REFUNDED",
        "queued for 2 minutes, fulfilled 10 s later: FULFILLED",
        "in a status that no document names, fulfilled after 30 s: FULFILLED",
        "unknown order: undefined",
      ],
    ]
  `);
});
