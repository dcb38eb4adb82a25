import { describe, expect, it } from 'vitest';
import type { Recorded } from '../../src/core/store.ts';
import type { Observation } from '../../src/core/topup.ts';
import { CallBudget } from '../../src/poller/budget.ts';
import { UpstreamGate } from '../../src/poller/gate.ts';
import { ListTrust } from '../../src/poller/list-trust.ts';
import { ListedEnds } from '../../src/poller/listed-ends.ts';
import { MissingCards } from '../../src/poller/missing-cards.ts';
import { Pacer } from '../../src/poller/pace.ts';
import { Requests } from '../../src/poller/requests.ts';
import { SweepPlanner } from '../../src/poller/sweep-planner.ts';
import { Sweeps } from '../../src/poller/sweeps.ts';
import { Watchers } from '../../src/poller/watchers.ts';
import type { FaultName } from '../../src/simulator/faults.ts';
import { fulfilledAfter, refundedAfter } from '../../src/simulator/life.ts';
import type { ListAnswer } from '../../src/upstream/answer.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { observation } from '../support/observations.ts';
import { type PolledSimulator, pollSimulator } from '../support/polling-simulator.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import { noTelemetry } from '../support/silent.ts';

const MINUTE_MS = 60_000;
const WHOLE_CARD = /^\d{12}$/;

/** Watches orders that are sent one after the other, each `apartMs` after the one before. */
async function sendAndWatch(
  { clock, simulator, lister, poller }: PolledSimulator,
  lives: readonly number[],
  apartMs = 500,
): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const ms of lives) {
    const plan = ms % 2 === 0 ? fulfilledAfter(ms) : refundedAfter(ms);
    const id = simulator.addOrder({ plan });
    if (lister !== simulator) lister.addOrder({ plan, id, createdAt: clock.now() });
    ids.push(id);
    poller.watch(id, () => undefined);
    await clock.advance(apartMs);
  }
  return ids;
}

function lifeTimes(count: number, ms: number): readonly number[] {
  return Array.from({ length: count }, (_, n) => ms + n);
}

async function latestOf({ store }: PolledSimulator, ids: readonly string[]) {
  return Promise.all(ids.map(async (id) => (await store.find(id))?.latest));
}

function mostInAMinute(calls: readonly number[]): number {
  let first = 0;
  let most = 0;
  for (const [index, at] of calls.entries()) {
    while ((calls[first] ?? at) <= at - MINUTE_MS) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}

describe('an upstream that fails at some orders', () => {
  it('and at every list, has the others seen all the same', async () => {
    const polled = await pollSimulator();
    const { clock, simulator } = polled;
    const bad = await sendAndWatch(polled, lifeTimes(4, 3_600_000), 0);
    for (const orderId of bad) simulator.fail({ fault: 'html', orderId });
    simulator.fail({ fault: 'notFound', operation: 'list' });
    const good = await sendAndWatch(polled, lifeTimes(12, 20_000), 5_000);
    await clock.advance(2 * MINUTE_MS);
    const seen = await latestOf(polled, good);
    const statuses = seen.map((latest) => latest?.upstreamStatus);
    expect(statuses).toEqual(Array(6).fill(['FULFILLED', 'REFUNDED']).flat());
  });

  it.each([
    { share: 1 / 4, least: 1, shown: 'none', listCarriesCards: false },
    { share: 1 / 4, least: 1, shown: 'their last digits', listCarriesCards: true },
    { share: 1 / 2, least: 0.9, shown: 'none', listCarriesCards: false },
  ])(
    '($share of all) has the cards of the others fetched, where lists show $shown',
    async (given) => {
      const { share, least, listCarriesCards } = given;
      const polled = await pollSimulator({ listCarriesCards });
      if (listCarriesCards) polled.simulator.fail({ fault: 'maskedCards', operation: 'list' });
      const good: string[] = [];
      for (let nth = 0; nth < 240; nth += 1) {
        const [orderId = ''] = await sendAndWatch(polled, [20_000], 750);
        if (nth % (1 / share) > 0) good.push(orderId);
        else polled.simulator.fail({ fault: 'html', orderId, operation: 'check-id' });
      }
      await polled.clock.advance(MINUTE_MS);
      const latest = await latestOf(polled, good);
      const fetched = latest.filter((each) => each?.cardCode).length;
      expect(fetched).toBeGreaterThanOrEqual(good.length * least);
    },
  );
});

it('429s to checks for cards do not have those orders come last, as failures at them do', async () => {
  const polled = await pollSimulator({ listCarriesCards: false });
  const throttled: string[] = [];
  for (let nth = 0; nth < 400; nth += 1) {
    const [orderId = ''] = await sendAndWatch(polled, [20_000], 1_000);
    if (nth % 4 > 0 || nth >= 80) continue;
    polled.simulator.fail({ fault: 'throttled', orderId, operation: 'check-id', times: 2 });
    throttled.push(orderId);
  }
  const latest = await latestOf(polled, throttled);
  expect(latest.filter((each) => each?.cardCode)).toHaveLength(throttled.length);
});

describe('many orders in progress', () => {
  it('answer a hundred queries for orders that nobody asked for before, with a few lists', async () => {
    const { clock, simulator, poller, calls } = await pollSimulator({ listCarriesCards: true });
    const ids = lifeTimes(100, 1_000).map((ms) =>
      simulator.addOrder({ plan: fulfilledAfter(ms * 30) }),
    );
    await clock.advance(20_000);
    const views = Promise.all(ids.map((id) => poller.lookup(id)));
    await clock.advance(5_000);
    expect((await views).map((view) => view?.snapshot.orderId)).toEqual(ids);
    expect(calls.length).toBeLessThan(15);
  });

  it('answer a query for each of ninety that are in progress already from lists, all of them, again and again', async () => {
    const { clock, simulator, poller } = await pollSimulator({ listCarriesCards: true });
    const ids = lifeTimes(90, 60 * MINUTE_MS).map((ms) =>
      simulator.addOrder({ plan: fulfilledAfter(ms) }),
    );
    const found = Promise.all(ids.map((id) => poller.lookup(id)));
    await clock.advance(5_000);
    await found;
    for (let round = 0; round < 5; round += 1) {
      const views = Promise.all(ids.map((id) => poller.lookup(id, 0)));
      await clock.advance(6_000);
      expect((await views).filter((view) => view?.isStale)).toEqual([]);
    }
  });

  it('answer what they can of queries, and the rest is asked for one by one', async () => {
    const { clock, simulator, poller } = await pollSimulator();
    const sent = lifeTimes(5, 30_000).map((ms) => simulator.addOrder({ plan: fulfilledAfter(ms) }));
    const unsent = sent.map((id) => `${id.slice(0, 8)}${'f'.repeat(15)}${id.slice(-1)}`);
    await clock.advance(1_000);
    const views = Promise.all([...sent, ...unsent].map((id) => poller.lookup(id)));
    await clock.advance(5_000);
    const found = (await views).map((view) => view?.snapshot.orderId ?? null);
    expect(found).toEqual([...sent, ...unsent.map(() => null)]);
  });

  it('are refreshed together: most calls are lists, and each order costs one check for its card', async () => {
    const polled = await pollSimulator();
    const ids = await sendAndWatch(polled, lifeTimes(40, 30_000));
    await polled.clock.advance(2 * MINUTE_MS);
    const latest = await latestOf(polled, ids);
    expect(latest.every((snapshot) => snapshot?.version !== undefined)).toBe(true);
    for (const [index, snapshot] of latest.entries()) {
      expect(snapshot?.upstreamStatus).toBe(index % 2 === 0 ? 'FULFILLED' : 'REFUNDED');
      if (index % 2 === 0) expect(snapshot?.cardCode).toMatch(/^\d{12}$/);
      else expect(snapshot?.refundMessage).not.toBeNull();
    }
    const { 'check-id': checks = 0, list = 0 } = polled.simulator.calls.byOperation();
    expect(list).toBeGreaterThan(20);
    expect(checks).toBeLessThan(60);
    expect(mostInAMinute(polled.calls)).toBeLessThanOrEqual(120);
  });

  it('are settled by lists alone, for the most part, where those carry the cards', async () => {
    const polled = await pollSimulator({ listCarriesCards: true, rowsName: 'items' });
    const even = lifeTimes(40, 15_000).map((ms) => ms - (ms % 2));
    const ids = await sendAndWatch(polled, even);
    await polled.clock.advance(MINUTE_MS);
    const latest = await latestOf(polled, ids);
    expect(latest.every((snapshot) => /^\d{12}$/.test(snapshot?.cardCode ?? ''))).toBe(true);
    expect(polled.simulator.calls.byOperation()['check-id'] ?? 0).toBeLessThan(ids.length);
  });

  it('are settled by lists where OneClickDz shows fewer of them on a page than it is asked for', async () => {
    const polled = await pollSimulator({ listCarriesCards: true, longestPage: 20 });
    const even = lifeTimes(120, 15_000).map((ms) => ms - (ms % 2));
    const ids = await sendAndWatch(polled, even, 400);
    await polled.clock.advance(MINUTE_MS);
    const latest = await latestOf(polled, ids);
    expect(latest.every((snapshot) => /^\d{12}$/.test(snapshot?.cardCode ?? ''))).toBe(true);
    const lags = latest.map((end) => (end?.observedAt ?? 0) - (end?.processedAt ?? 0));
    expect(Math.max(...lags)).toBeLessThan(8_000);
    expect(polled.logger.lines.filter(({ level }) => level === 'warn')).toEqual([]);
  });

  it('are found in more pages than one', async () => {
    const polled = await pollSimulator({ listCarriesCards: true });
    const ids = await sendAndWatch(polled, lifeTimes(300, 20_000), 50);
    await polled.clock.advance(2 * MINUTE_MS);
    const latest = await latestOf(polled, ids);
    expect(latest.filter((snapshot) => snapshot?.upstreamStatus === 'FULFILLED')).toHaveLength(150);
    expect(latest.filter((snapshot) => snapshot?.upstreamStatus === 'REFUNDED')).toHaveLength(150);
  });
});

it('cards that a list left out take turns with queries: neither waits for the other to end', async () => {
  const polled = await pollSimulator();
  const asked = polled.simulator.addOrder({ plan: fulfilledAfter(60 * MINUTE_MS) });
  const ids = await sendAndWatch(polled, Array(200).fill(20_000), 50);
  await polled.clock.advance(20_000);
  const seenAt = new Set<number>();
  const cards = async () =>
    (await latestOf(polled, ids)).filter((each) => each?.cardCode != null).length;
  const [cardsBefore, callsBefore] = [await cards(), polled.calls.length];
  for (let round = 0; round < 600; round += 1) {
    // Each one is answered, or told that calls are spent.
    polled.poller.lookup(asked, 0).then(
      (view) => seenAt.add(view?.checkedAt ?? 0),
      () => undefined,
    );
    await polled.clock.advance(100);
  }
  const [found, calls] = [(await cards()) - cardsBefore, polled.calls.length - callsBefore];
  // One call at a time for the order that is asked for: cards fill the time that its answers take.
  expect(seenAt.size).toBeGreaterThan(0.2 * calls);
  expect(found).toBeGreaterThan(0.4 * calls);
});

it('looks leave room for cards: none waits for long, though there are hardly calls enough', async () => {
  const polled = await pollSimulator();
  const ids = await sendAndWatch(polled, Array(320).fill(20_000), 750);
  await polled.clock.advance(MINUTE_MS);
  const lags = (await latestOf(polled, ids.slice(80))).map(
    (each) => (each?.observedAt ?? Number.POSITIVE_INFINITY) - (each?.processedAt ?? 0),
  );
  expect(Math.max(...lags)).toBeLessThan(4_000);
});

it('an order that lists leave out has its first look, though cards alone take all calls of the key', async () => {
  // With a lister of its own, which does not know all orders.
  const polled = await pollSimulator({ listLagMs: 0, callsPerMinute: 60 });
  const { clock, simulator, poller, store } = polled;
  const lives = Array.from({ length: 60 }, (_, n) => 4_000 + ((n * 17_000) % 40_000));
  await sendAndWatch(polled, lives, 1_000);
  const leftOut = simulator.addOrder({ plan: fulfilledAfter(20_000) });
  poller.watch(leftOut, () => undefined);
  const sentAt = clock.now();
  await sendAndWatch(polled, lives, 1_000);
  await sendAndWatch(polled, lives, 1_000);
  expect((await store.find(leftOut))?.checkedAt).toBeLessThan(sentAt + 90_000);
});

it('a card that cannot be fetched is tried again later each time, though every list shows that it is there', async () => {
  const { clock, simulator, poller, store } = await pollSimulator();
  const broken = simulator.addOrder({ plan: fulfilledAfter(10_000) });
  const others = lifeTimes(10, 60_000).map((ms) =>
    simulator.addOrder({ plan: fulfilledAfter(10 * ms) }),
  );
  for (const id of [broken, ...others]) poller.watch(id, () => undefined);
  await clock.advance(5_000);
  simulator.fail({ fault: 'serverError', operation: 'check-id', orderId: broken });
  await clock.advance(2 * MINUTE_MS);
  const tries = simulator.calls.byOutcome()['500'];
  expect(tries).toBeGreaterThan(2);
  expect(tries).toBeLessThan(12);
  simulator.heal();
  await clock.advance(3 * MINUTE_MS);
  expect((await store.find(broken))?.latest.cardCode).toMatch(/^\d{12}$/);
});

it('orders are found by their ids in lists if nothing else says when they were created', async () => {
  const polled = await pollSimulator();
  polled.simulator.fail({ fault: 'missingFields' });
  await sendAndWatch(polled, lifeTimes(30, MINUTE_MS), 50);
  await polled.clock.advance(12_000);
  const { list = 0, 'check-id': checks = 0 } = polled.simulator.calls.byOperation();
  expect(list).toBeGreaterThan(4 * checks);
});

it('an id that no list shows is asked for by itself, and denied in time', async () => {
  const polled = await pollSimulator();
  await sendAndWatch(polled, lifeTimes(8, 40_000));
  const seconds = Math.floor(polled.clock.now() / 1_000).toString(16);
  const missing: string[] = [];
  for (const tail of ['0', '1']) {
    const id = seconds + tail.repeat(16);
    polled.poller.watch(id, () => missing.push(id));
  }
  await polled.clock.advance(14_000);
  expect(missing).toEqual([]);
  await polled.clock.advance(8_000);
  expect(new Set(missing).size).toBe(2);
});

describe('a list that cannot be relied on', () => {
  const sweepsOff = ({ logger }: PolledSimulator) =>
    logger.lines.filter(({ message }) => message.startsWith('sweeps are off'));

  it.each<[string, FaultName]>([
    ['fails', 'serverError'],
    ['has another shape', 'noData'],
    ['is a page of a proxy', 'htmlOk'],
    ['hangs', 'hang'],
    ['is too long', 'tooLarge'],
  ])('is dropped for single checks when it %s', async (_, fault) => {
    const polled = await pollSimulator();
    polled.simulator.fail({ fault, operation: 'list' });
    const ids = await sendAndWatch(polled, lifeTimes(8, 20_000));
    await polled.clock.advance(3 * MINUTE_MS);
    const latest = await latestOf(polled, ids);
    expect(latest.filter((each) => each?.upstreamStatus === 'FULFILLED')).toHaveLength(4);
    expect(sweepsOff(polled).length).toBeGreaterThan(0);
    expect(polled.simulator.calls.byOperation().list ?? 0).toBeLessThan(6);
  });

  it('is not dropped when all answers become slow', async () => {
    const polled = await pollSimulator({ listCarriesCards: true });
    const lives = Array.from({ length: 150 }, (_, n) => MINUTE_MS + n * 1_000);
    const ids = await sendAndWatch(polled, lives, 20);
    await polled.clock.advance(30_000);
    polled.simulator.fail({ fault: 'slow', delayMs: 8_000 });
    await polled.clock.advance(4 * MINUTE_MS);
    expect(sweepsOff(polled)).toEqual([]);
    expect((await latestOf(polled, ids)).every((each) => each?.cardCode)).toBe(true);
  });

  it('is dropped for half an hour when the key may not list, and checks go on', async () => {
    const polled = await pollSimulator();
    polled.simulator.fail({ fault: 'outOfScope', operation: 'list' });
    const ids = await sendAndWatch(polled, lifeTimes(8, 20_000));
    await polled.clock.advance(2 * MINUTE_MS);
    expect((await latestOf(polled, ids)).filter((each) => each?.cardCode)).toHaveLength(4);
    const fields = { reason: 'forbidden', waitSeconds: 1_800 };
    expect(sweepsOff(polled)).toMatchObject([{ fields }]);
    expect(polled.simulator.calls.byOperation().list).toBe(1);
  });

  it('is dropped when it lags behind what single checks have shown', async () => {
    const polled = await pollSimulator({ listLagMs: 20_000 });
    const ids = await sendAndWatch(polled, lifeTimes(100, 30_000), 250);
    await polled.clock.advance(2 * MINUTE_MS);
    expect((await latestOf(polled, ids)).filter((each) => each?.cardCode)).toHaveLength(50);
    expect(sweepsOff(polled).length).toBeGreaterThan(0);
  });

  it('is dropped when it never shows an end, though it shows every order', async () => {
    const polled = await pollSimulator({ listLagMs: 60 * MINUTE_MS });
    const lives = Array.from({ length: 10 }, (_, n) => 4_000 + ((n * 17_000) % 40_000));
    const ids = await sendAndWatch(polled, lives, 2_400);
    await polled.clock.advance(MINUTE_MS);
    const ends = await latestOf(polled, ids);
    expect(ends.every((end) => WHOLE_CARD.test(end?.cardCode ?? ''))).toBe(true);
    const lags = ends.map((end) => (end?.observedAt ?? 0) - (end?.processedAt ?? 0));
    expect(Math.max(...lags)).toBeLessThan(15_000);
    expect(sweepsOff(polled)[0]?.fields).toMatchObject({ reason: 'stale rows' });
  });

  it('is dropped when it leaves out orders that it should show, and tried again later', async () => {
    const polled = await pollSimulator();
    const fault = polled.simulator.fail({ fault: 'otherId', operation: 'list' });
    const ids = await sendAndWatch(polled, lifeTimes(8, 20_000));
    await polled.clock.advance(2 * MINUTE_MS);
    expect((await latestOf(polled, ids)).filter((each) => each?.cardCode)).toHaveLength(4);
    expect(sweepsOff(polled)[0]?.fields).toMatchObject({ reason: 'missing orders' });
    fault();
    await polled.clock.advance(30 * MINUTE_MS);
    const before = polled.simulator.calls.byOperation().list ?? 0;
    await sendAndWatch(polled, lifeTimes(8, 20_000));
    await polled.clock.advance(MINUTE_MS);
    expect(polled.simulator.calls.byOperation().list ?? 0).toBeGreaterThan(before + 5);
  });
});

it('an order that no list ever shows is checked by itself, and lists go on for all others', async () => {
  const polled = await pollSimulator({ listCarriesCards: true, listLagMs: 0 });
  const { clock, simulator, lister, poller, logger } = polled;
  await sendAndWatch(polled, [40_000, 40_000, 40_000], 500);
  const hidden = simulator.addOrder({ plan: fulfilledAfter(10 * MINUTE_MS) });
  poller.watch(hidden, () => undefined);
  for (let second = 0; second < 9 * 60; second += 5) {
    await sendAndWatch(polled, [40_000, 40_000], 2_500);
  }
  expect(logger.lines.filter(({ message }) => message.startsWith('sweeps are off'))).toEqual([]);
  await clock.advance(2 * MINUTE_MS);
  expect((await latestOf(polled, [hidden]))[0]?.cardCode).toMatch(WHOLE_CARD);
  expect(lister.calls.total).toBeGreaterThan(300);
});

it('a log that failed is known to be mended as soon as a list is written down, without a check', async () => {
  const polled = await pollSimulator({ listCarriesCards: true });
  const { clock, simulator, poller, store } = polled;
  await sendAndWatch(polled, Array(50).fill(400_000), 50);
  await clock.advance(5_000);
  const checks = () => simulator.calls.byOperation()['check-id'];
  const [recordAll, before] = [store.recordAll.bind(store), checks()];
  store.recordAll = () => Promise.reject(new Error('disk full'));
  await clock.advance(2_500);
  expect(poller.canRecord).toBe(false);
  store.recordAll = recordAll;
  await clock.advance(2_500);
  expect([poller.canRecord, checks()]).toEqual([true, before]);
});

describe('while a list is on its way', () => {
  it.each([
    ['a query waits for an order in it', 50, true],
    ['orders are due that are in no list, behind two hundred that are', 230, false],
  ] as const)('the poller does not spin: %s', async (_what, count, isAsked) => {
    const polled = await pollSimulator({ listCarriesCards: true });
    const { clock, simulator, poller, store } = polled;
    const ids = await sendAndWatch(polled, Array(count).fill(400_000), 50);
    await clock.advance(10_000);
    simulator.fail({ fault: 'slow', operation: 'list', delayMs: 5_000 });
    const due = store.due.bind(store);
    let looks = 0;
    store.due = (query) => {
      looks += 1;
      return due(query);
    };
    for (let tenth = 0; tenth < 200; tenth += 1) {
      if (isAsked) poller.lookup(ids[tenth % count] ?? '', 0).catch(() => undefined);
      await clock.advance(100);
    }
    // A few for each call and each query.
    expect(looks).toBeLessThan(20 * 40);
  });

  it('only three other calls may be refused yet', async () => {
    const polled = await pollSimulator({ listCarriesCards: true, callsPerMinute: 600 });
    const { clock, simulator, poller } = polled;
    await sendAndWatch(polled, Array(50).fill(400_000), 50);
    await clock.advance(10_000);
    simulator.fail({ fault: 'hang' });
    const [before, listsBefore] = [simulator.calls.total, simulator.calls.byOperation().list];
    for (let nth = 0; nth < 20; nth += 1) {
      poller.lookup(nth.toString(16).padStart(24, '0')).catch(() => undefined);
    }
    await clock.advance(1_500);
    expect(simulator.calls.byOperation().list).not.toBe(listsBefore);
    expect(simulator.calls.total - before).toBe(4);
  });

  it('a shutdown waits for it, and what it shows is recorded', async () => {
    const polled = await pollSimulator({ listCarriesCards: true });
    const { clock, simulator, poller, store } = polled;
    await sendAndWatch(polled, Array(50).fill(400_000), 50);
    await clock.advance(10_000);
    simulator.fail({ fault: 'slow', operation: 'list', delayMs: 1_000 });
    const lists = () => simulator.calls.byOperation().list ?? 0;
    for (const before = lists(); lists() === before; ) await clock.advance(10);
    const recordAll = store.recordAll.bind(store);
    const recorded: number[] = [];
    store.recordAll = (observations, plan) => {
      recorded.push(observations.length);
      return recordAll(observations, plan);
    };
    const stopped = poller.stop().then(() => recorded.slice());
    await clock.advance(1_900);
    expect(await stopped).toEqual([50]);
  });

  it('it answers queries for the orders in it, which make no calls of their own', async () => {
    const polled = await pollSimulator({ listCarriesCards: true });
    const { clock, simulator, poller } = polled;
    const ids = await sendAndWatch(polled, Array(50).fill(400_000), 50);
    await clock.advance(10_000);
    simulator.fail({ fault: 'slow', operation: 'list', delayMs: 2_500 });
    const checks = () => simulator.calls.byOperation()['check-id'];
    const [checksBefore, callsBefore] = [checks(), simulator.calls.total];
    while (simulator.calls.total === callsBefore) await clock.advance(50);
    const askedAt = clock.now();
    const views = Promise.all(ids.map((id) => poller.lookup(id, 0)));
    await clock.advance(2_500);
    expect(checks()).toBe(checksBefore);
    await clock.advance(200);
    for (const view of await views) expect(view?.checkedAt).toBeGreaterThan(askedAt);
  });
});

describe('one list', () => {
  const NOW = Date.UTC(2026, 0, 1);
  const IDS = ['a', 'b', 'c'].map((digit) => digit.repeat(24));
  const [FIRST = '', SECOND = '', THIRD = ''] = IDS;
  const CARD = { cardCode: '123456789012' };

  /** Sweeps over a list that shows `rows`, beside `others` that nobody asked for. */
  async function over(rows: readonly Partial<Observation>[], others = 0) {
    const clock = new ManualClock(NOW);
    const [store, logger] = [createMemoryStore(), recordingLogger()];
    const random = () => 0.5;
    const common = { store, clock, random, logger, telemetry: noTelemetry };
    const watchers = new Watchers(common);
    const budget = new CallBudget({ callsPerMinute: 120, clock });
    const requests = new Requests({ gate: new UpstreamGate(), budget, clock });
    const [pacer, trust, listedEnds, missingCards] = [
      new Pacer({ notebook: store, clock, watchers }),
      new ListTrust(common),
      new ListedEnds(common),
      new MissingCards(common),
    ];
    // A check has shown an end of each kind as a list did.
    for (const upstreamStatus of ['FULFILLED', 'REFUNDED']) {
      const end = observation({ upstreamStatus, cardCode: '1', refundMessage: 'sorry' });
      listedEnds.checking(end);
      listedEnds.verify({ ...end, version: 1 });
      listedEnds.checked(end.orderId);
    }
    const parts = { ...common, watchers, requests, pacer, trust, listedEnds, missingCards };
    const sweepPlanner = new SweepPlanner({ ...parts, isBusy: () => false });
    const observations = rows.map((row) => observation({ observedAt: clock.now(), ...row }));
    const listed = { kind: 'listed', observations, rows: rows.length + others } as const;
    const list = async (): Promise<ListAnswer> => ({ ...listed, askedAt: clock.now() });
    const client = { list, check: shouldNot, validate: shouldNot };
    const recorded: string[] = [];
    const news = {
      recorded: ({ order }: Recorded) => void recorded.push(order.latest.orderId),
    };
    const sweeps = new Sweeps({ ...parts, client, sweepPlanner, news });
    /** Runs a sweep that covers these orders, as far as the log holds them. */
    const run = async (covered: readonly string[]) => {
      const values = { createdAt: NOW, gainMs: 1, worth: 1 };
      const all = covered.map(async (orderId) => {
        return { ...values, orderId, order: await store.find(orderId) };
      });
      const sweep = { from: NOW - 1, to: NOW + 999, covered: await Promise.all(all) };
      return sweeps.run(sweep, () => undefined);
    };
    const record = (orderId: string, upstreamStatus = 'HANDLING') =>
      store.record(observation({ orderId, upstreamStatus, observedAt: NOW }), () => NOW);
    return { ...parts, client, sweepPlanner, recorded, run, record };
  }

  const shouldNot = () => Promise.reject(new Error('not asked for'));

  it('records what it shows of the orders that it is for, and tells of each', async () => {
    const rows = [{ orderId: FIRST, upstreamStatus: 'QUEUED' }, { orderId: SECOND }];
    const { store, recorded, run } = await over(rows);
    expect(await run([FIRST])).toMatchObject([{ latest: { upstreamStatus: 'QUEUED' } }]);
    expect(recorded).toEqual([FIRST]);
    expect(await store.find(SECOND)).toBeUndefined();
  });

  it('has the card checked first of the order that settled first', async () => {
    const settled = { upstreamStatus: 'FULFILLED' };
    const { missingCards, run } = await over([
      { orderId: FIRST, ...settled, processedAt: NOW - 1_000 },
      { orderId: SECOND, ...settled, processedAt: NOW - 2_000 },
      { orderId: THIRD, ...settled, ...CARD, processedAt: NOW - 3_000 },
    ]);
    expect(await run(IDS)).toMatchObject([{ latest: CARD }]);
    expect([missingCards.first, missingCards.size]).toEqual([SECOND, 2]);
  });

  it('has the refund checked whose reason it leaves out, and no other', async () => {
    const refunded = { upstreamStatus: 'REFUNDED' };
    const { missingCards, run } = await over([
      { orderId: FIRST, ...refunded, refundMessage: 'sorry' },
      { orderId: SECOND, ...refunded, ...CARD },
    ]);
    expect(await run(IDS)).toMatchObject([{ latest: { orderId: FIRST } }]);
    expect([missingCards.first, missingCards.size]).toEqual([SECOND, 1]);
  });

  it('asks for fewer parked orders where a full page did not show them all, though it was to be full of them', async () => {
    const { store, sweepPlanner, clock } = await over([]);
    for (let nth = 0; nth < 120; nth += 1) {
      const orderId = nth.toString(16).padStart(24, '0');
      const times = { createdAt: NOW + nth * 1_000, observedAt: NOW + 120_000 };
      await store.record(observation({ orderId, upstreamStatus: 'QUEUED', ...times }), () => NOW);
    }
    await clock.advance(13 * 60 * MINUTE_MS);
    const due = await store.find('0'.repeat(24));
    if (due === undefined) throw new Error('not recorded');
    const page = await sweepPlanner.forParked(due);
    expect(page?.covered).toHaveLength(100);
    if (page !== undefined) await sweepPlanner.adapt(page, 100, true);
    expect((await sweepPlanner.forParked(due))?.covered).toHaveLength(90);
  });

  it('asks for fewer orders where the key has others too, which take up room on a page', async () => {
    const { store, sweepPlanner, clock, run } = await over([], 100);
    const ids = Array.from({ length: 80 }, (_, n) => n.toString(16).padStart(24, '0'));
    for (const [nth, orderId] of ids.entries()) {
      const row = observation({ orderId, createdAt: NOW + nth * 1_000, observedAt: NOW + 80_000 });
      await store.record(row, () => NOW + 80_000);
    }
    await clock.advance(90_000);
    const plan = async () => {
      const due = { orderId: ids[0] ?? '', order: await store.find(ids[0] ?? ''), gainMs: 0 };
      return sweepPlanner.forSchedule(due);
    };
    const all = await plan();
    if (all === undefined) throw new Error('no list');
    expect(all.covered).toHaveLength(80);
    // Full: nobody knows how many orders it left out.
    for (let page = 0; page < 5; page += 1) await run(ids.slice(0, 1));
    const fewer = (await plan())?.covered.length ?? 0;
    expect(fewer).toBeGreaterThan(50);
    expect(fewer).toBeLessThan(65);
    for (let page = 0; page < 30; page += 1) await sweepPlanner.adapt(all, 80);
    expect((await plan())?.covered).toHaveLength(80);
    // Around old orders many a row may be of one that has ended long ago, or was never asked about.
    const old = { ...all, from: all.from - 3_600_000, to: all.to - 3_600_000 };
    for (let page = 0; page < 30; page += 1) await sweepPlanner.adapt({ ...old, covered: [] }, 100);
    expect((await plan())?.covered).toHaveLength(80);
  });

  it('covers young orders though the clock of this machine is behind that of OneClickDz', async () => {
    const { store, sweepPlanner, clock } = await over([]);
    for (const [nth, orderId] of [FIRST, SECOND, THIRD].entries()) {
      const createdAt = NOW + nth * 1_800_000;
      await store.record(observation({ orderId, createdAt, observedAt: NOW }), () => NOW);
    }
    await clock.advance(5_000);
    const due = { orderId: SECOND, order: await store.find(SECOND), gainMs: 0 };
    expect((await sweepPlanner.forSchedule(due))?.covered).toHaveLength(3);
  });

  describe('for queries', () => {
    /** The id of an order that was sent so long ago. */
    const idOf = (agoMs: number, tail = '0') =>
      Math.floor((NOW - agoMs) / 1_000).toString(16) + tail.repeat(16);

    /** The orders of the list that answers a query for the first of these, while queries for all of them wait. */
    async function listFor(ids: readonly string[], known: readonly Partial<Observation>[] = []) {
      const { sweepPlanner, requests, store } = await over([]);
      for (const row of known)
        await store.record(observation({ observedAt: NOW, ...row }), () => NOW);
      for (const orderId of ids) void requests.add(orderId);
      const sweep = await sweepPlanner.forRequests(ids[0] ?? '');
      return sweep && { ...sweep, covered: sweep.covered.map(({ orderId }) => orderId) };
    }

    it('covers the creation of all that it answers: to the second where only the id tells it', async () => {
      const [unseen, seen] = [idOf(40_000), idOf(20_000)];
      const known = { orderId: seen, createdAt: NOW - 19_500 };
      expect(await listFor([unseen, seen], [known])).toEqual({
        from: NOW - 40_001,
        to: NOW - 19_499,
        covered: [unseen, seen],
      });
      expect(await listFor([seen, unseen])).toMatchObject({ from: NOW - 40_001, to: NOW - 19_001 });
    });

    it('is not worth it for one alone', async () => {
      expect(await listFor([idOf(1_000)])).toBeUndefined();
    });

    it('reaches over all of the last 12 minutes, and 6 to each side of an older order', async () => {
      const together = async (...agoMs: readonly number[]) =>
        (await listFor(agoMs.map((each) => idOf(each)))) !== undefined;
      expect(await together(0, 11.9 * MINUTE_MS)).toBe(true);
      expect(await together(0, 12.1 * MINUTE_MS)).toBe(false);
      // Our clock may be behind the upstream's.
      expect(await together(-10 * MINUTE_MS, -11 * MINUTE_MS)).toBe(true);
      const hour = 60 * MINUTE_MS;
      expect(await together(hour, hour - 6 * MINUTE_MS)).toBe(true);
      expect(await together(hour, hour + 6 * MINUTE_MS)).toBe(true);
      expect(await together(hour, hour - 6.1 * MINUTE_MS)).toBe(false);
      expect(await together(hour, hour + 6.1 * MINUTE_MS)).toBe(false);
    });

    it('answers as many as a page can show, if the one that waited longest is among them', async () => {
      const between = Array.from({ length: 99 }, (_, n) => ({
        orderId: idOf(300_000 - n * 1_000, 'b'),
        createdAt: NOW - 300_000 + n * 1_000,
      }));
      const [first, ...rest] = [idOf(310_000), idOf(20_000), idOf(10_000)];
      expect(await listFor([first, ...rest], between)).toBeUndefined();
      expect((await listFor([...rest, first], between))?.covered).toEqual(
        expect.arrayContaining(rest),
      );
    });

    it('counts an order once that is in progress and asked for: one alone is checked', async () => {
      const [one, other] = [idOf(20_000), idOf(60 * MINUTE_MS)];
      const known = { orderId: one, createdAt: NOW - 20_000 };
      expect(await listFor([one, other], [known])).toBeUndefined();
    });

    it('leaves out an order that a list has left out before', async () => {
      const [one, other] = [idOf(2_000), idOf(1_000)];
      const { sweepPlanner, requests } = await over([]);
      for (const orderId of [one, other]) void requests.add(orderId);
      expect((await sweepPlanner.forRequests(one))?.covered).toHaveLength(2);
      requests.notListed(other);
      expect(await sweepPlanner.forRequests(one)).toBeUndefined();
    });
  });

  it('is trusted where it shows an order that had settled as settled', async () => {
    const { trust, record, run } = await over([{ orderId: FIRST, upstreamStatus: 'REFUNDED' }]);
    await record(FIRST, 'REFUNDED');
    await run([]);
    expect(trust.isTrusted).toBe(true);
  });

  it('lags behind where it shows an order that had settled in progress: nothing in it counts', async () => {
    const { clock, store, trust, record, run } = await over([
      { orderId: FIRST },
      { orderId: SECOND, upstreamStatus: 'QUEUED' },
    ]);
    await record(FIRST, 'REFUNDED');
    await clock.advance(5_001);
    expect(await run([SECOND])).toEqual([]);
    expect(await store.find(SECOND)).toBeUndefined();
    expect(trust.isTrusted).toBe(false);
  });

  it('that is full has no room for the orders that it leaves out, and is trusted', async () => {
    const { trust, record, run } = await over([{ orderId: FIRST }], 99);
    await record(SECOND);
    await run([FIRST, SECOND]);
    expect(trust.isTrusted).toBe(true);
  });

  it('that leaves out a known order is trusted for the others; where it leaves out many, or all, for none', async () => {
    const { clock, trust, record, run } = await over([{ orderId: FIRST }], 90);
    await run([FIRST, THIRD]);
    await record(SECOND);
    await clock.advance(5_001);
    await run([FIRST, SECOND]);
    expect([trust.isTrusted, trust.leavesOut(SECOND), trust.leavesOut(FIRST)]).toEqual([
      true,
      true,
      false,
    ]);
    await record(THIRD);
    await clock.advance(5_001);
    await run([FIRST, SECOND, THIRD]);
    expect(trust.isTrusted).toBe(false);
  });

  it('that is answered makes up for one that failed', async () => {
    const { trust, run } = await over([{ orderId: FIRST }]);
    trust.failed('network', 0);
    await run([FIRST]);
    expect(trust.failuresInRow).toBe(0);
  });

  it('that shows an end needs no check to confirm it; one that shows none counts those that it should', async () => {
    const refunded = { upstreamStatus: 'REFUNDED', refundMessage: 'sorry' };
    const withEnd = await over([{ orderId: FIRST, ...refunded }]);
    await withEnd.record(FIRST);
    withEnd.trust.confirmation.expected(9);
    await withEnd.run([FIRST]);
    expect(withEnd.trust.confirmation.isDue).toBe(false);
    const { clock, trust, record, run } = await over([{ orderId: FIRST }, { orderId: SECOND }]);
    const expected: number[] = [];
    trust.confirmation.expected = (ends) => void expected.push(ends);
    for (const orderId of [FIRST, SECOND]) await record(orderId);
    await clock.advance(40_000);
    await run([FIRST, SECOND]);
    expect(expected).toEqual([expect.toSatisfy((ends) => ends > 1 && ends < 2)]);
  });

  it('that shows an order which others left out makes up for that', async () => {
    const { trust, run } = await over([{ orderId: FIRST }]);
    trust.leftOut([FIRST], 20);
    await run([FIRST]);
    expect(trust.leavesOut(FIRST)).toBe(false);
  });

  it.each<ListAnswer>([
    { kind: 'throttled', retryAfterMs: 30_000 },
    { kind: 'refused', httpStatus: 401, upstreamCode: undefined },
  ])('that says nothing but that calls must wait is trusted: $kind', async (answer) => {
    const { client, trust, run } = await over([]);
    client.list = async () => answer;
    expect(await run([FIRST])).toEqual([]);
    expect(trust.isTrusted).toBe(true);
  });

  it('that shows no QUEUED order is trusted; those that it should show are in no page', async () => {
    const { clock, sweepPlanner, trust, record, run } = await over(
      Array.from({ length: 20 }, (_, nth) => ({ orderId: `${nth}`, createdAt: NOW + 1 })),
    );
    for (const orderId of IDS) await record(orderId, 'QUEUED');
    await clock.advance(60_000);
    await run([...IDS, '0']);
    expect(trust.isTrusted).toBe(true);
    expect(IDS.every((orderId) => trust.leavesOut(orderId))).toBe(true);
    // It was not cut.
    expect(sweepPlanner.pageSize.rows).toBe(100);
  });

  it('that shows one QUEUED order and leaves out others is not trusted', async () => {
    const { clock, trust, record, run } = await over([
      { orderId: FIRST, upstreamStatus: 'QUEUED' },
    ]);
    for (const orderId of IDS) await record(orderId, 'QUEUED');
    await clock.advance(60_000);
    await run(IDS);
    expect(trust.isTrusted).toBe(false);
  });

  it('that leaves out the only order is not trusted', async () => {
    const { clock, trust, record, run } = await over([], 90);
    await record(SECOND);
    await clock.advance(5_001);
    await run([SECOND]);
    expect([trust.isTrusted, trust.leavesOut(SECOND)]).toEqual([false, false]);
  });

  it('may be five seconds behind what checks have shown', async () => {
    const { clock, store, trust, record, run } = await over([
      { orderId: FIRST },
      { orderId: SECOND, upstreamStatus: 'QUEUED' },
    ]);
    await record(FIRST, 'REFUNDED');
    await record(THIRD);
    await clock.advance(5_000);
    expect(await run([SECOND, THIRD])).toMatchObject([{ latest: { orderId: SECOND } }]);
    expect((await store.find(FIRST))?.latest.upstreamStatus).toBe('REFUNDED');
    expect(trust.isTrusted).toBe(true);
  });

  it('that shows all it should makes up for those before: the next fault costs a minute again', async () => {
    const { clock, trust, recorded, record, run } = await over([{ orderId: FIRST }]);
    const faults = async (count: number) => {
      for (let fault = 0; fault < count; fault += 1) {
        const { order } = await record(SECOND);
        trust.verify({ before: undefined, order, appended: undefined });
        await clock.advance(5_001);
        await run([SECOND]);
        expect(trust.isTrusted).toBe(false);
        await clock.advance(60_000);
      }
    };
    await faults(1);
    expect(trust.isTrusted).toBe(true);
    await faults(1);
    expect(trust.isTrusted).toBe(false);
    await clock.advance(60_000);
    await run([FIRST]);
    expect(recorded).toContain(FIRST);
    await faults(1);
    expect(trust.isTrusted).toBe(true);
  });
});

it('lists come back within a minute and a half of an outage, however long that was', async () => {
  const polled = await pollSimulator({ listCarriesCards: true });
  const { clock, simulator, poller } = polled;
  await sendAndWatch(polled, lifeTimes(20, 300_000));
  const heal = simulator.fail({ fault: 'connectionReset' });
  await clock.advance(32 * MINUTE_MS);
  heal();
  await clock.advance(1.5 * MINUTE_MS);
  expect(poller.status().usesLists).toBe(true);
});
