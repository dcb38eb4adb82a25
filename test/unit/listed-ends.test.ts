import { expect, it } from 'vitest';
import { ListedEnds } from '../../src/poller/listed-ends.ts';
import { fulfilledAfter, refundedAfter } from '../../src/simulator/life.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { observation } from '../support/observations.ts';
import { type PolledSimulator, pollSimulator } from '../support/polling-simulator.ts';
import { recordingLogger } from '../support/recording-logger.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

const WHOLE = /^\d{12}$/;

/** Follows twenty orders that end one after the other, and that lists show together. Resolves once they have ended. */
async function followTwenty(polled: PolledSimulator, lifeOf = fulfilledAfter) {
  const { simulator, poller, clock, store } = polled;
  const checks = () => simulator.calls.byOperation()['check-id'] ?? 0;
  const ids = Array.from({ length: 20 }, (_, n) =>
    simulator.addOrder({ plan: lifeOf(20 * SECOND_MS + n * SECOND_MS) }),
  );
  for (const id of ids) poller.watch(id, () => undefined);
  await clock.advance(15 * SECOND_MS);
  const before = checks();
  await clock.advance(45 * SECOND_MS);
  const ends = await Promise.all(ids.map(async (id) => (await store.find(id))?.latest));
  return { ends, cards: ends.map((end) => end?.cardCode), checks: checks() - before };
}

const told = ({ logger }: PolledSimulator, level: string) =>
  logger.lines.filter((line) => line.level === level && /lists show|list shows/.test(line.message));

it('a customer gets the whole card, though lists show its last four digits alone, which is warned of once', async () => {
  const polled = await pollSimulator({ listCarriesCards: true });
  polled.simulator.fail({ fault: 'maskedCards', operation: 'list' });
  const { cards, checks } = await followTwenty(polled);
  expect(cards.filter((card) => WHOLE.test(card ?? ''))).toHaveLength(20);
  expect(checks).toBeLessThan(30);
  expect(told(polled, 'warn')).toMatchObject([
    { fields: { status: 'FULFILLED', fields: 'cardCode' } },
  ]);
});

it('a list that shows what a check shows settles orders without further checks, which is told once', async () => {
  const polled = await pollSimulator({ listCarriesCards: true });
  expect((await followTwenty(polled)).cards.every((card) => WHOLE.test(card ?? ''))).toBe(true);
  const { checks, cards } = await followTwenty(polled);
  expect(cards.every((card) => WHOLE.test(card ?? ''))).toBe(true);
  // Some, since orders should have ended by then, and lists show no end.
  expect(checks).toBeLessThan(10);
  expect(told(polled, 'info')).toMatchObject([{ fields: { status: 'FULFILLED' } }]);
});

it('refunds are compared apart from cards', async () => {
  const polled = await pollSimulator({ listCarriesCards: true });
  await followTwenty(polled);
  const { ends } = await followTwenty(polled, refundedAfter);
  expect(ends.map((end) => end?.upstreamStatus)).toEqual(Array(20).fill('REFUNDED'));
  expect(told(polled, 'info').map(({ fields }) => fields['status'])).toEqual([
    'FULFILLED',
    'REFUNDED',
  ]);
});

it('of a hundred ends that the first list shows at once, one is checked, beside that of the first query', async () => {
  const { simulator, poller, clock } = await pollSimulator({ listCarriesCards: true });
  const ids = Array.from({ length: 100 }, () => simulator.addOrder({ plan: fulfilledAfter(0) }));
  await clock.advance(SECOND_MS);
  const views = Promise.all(ids.map((id) => poller.lookup(id)));
  await clock.advance(2 * SECOND_MS);
  expect((await views).every((view) => WHOLE.test(view?.snapshot.cardCode ?? ''))).toBe(true);
  expect(simulator.calls.byOperation()).toEqual({ 'check-id': 2, list: expect.any(Number) });
  expect(simulator.calls.total).toBeLessThan(8);
});

/** Follows twenty orders, until five seconds before they all end. */
async function twentyAtOnce() {
  const polled = await pollSimulator({ listCarriesCards: true });
  const { simulator, poller, clock, store } = polled;
  const ids = Array.from({ length: 20 }, (_, n) =>
    simulator.addOrder({ plan: fulfilledAfter(20 * SECOND_MS + n) }),
  );
  for (const id of ids) poller.watch(id, () => undefined);
  await clock.advance(15 * SECOND_MS);
  const found = async () => {
    const ends = await Promise.all(ids.map(async (id) => (await store.find(id))?.latest));
    return ends.filter((end) => WHOLE.test(end?.cardCode ?? '')).length;
  };
  return { ...polled, ids, found };
}

it('a check that hangs holds other ends back for a second or so', async () => {
  const { simulator, clock, ids, found } = await twentyAtOnce();
  simulator.fail({ fault: 'hang', operation: 'check-id', orderId: ids[0] ?? '' });
  await clock.advance(8 * SECOND_MS);
  expect(await found()).toBe(19);
});

it('while all checks fail, ends are taken as lists show them, which is warned of once', async () => {
  const polled = await twentyAtOnce();
  polled.simulator.fail({ fault: 'serverError', operation: 'check-id' });
  await polled.clock.advance(12 * SECOND_MS);
  expect(await polled.found()).toBe(20);
  expect(told(polled, 'warn').map(({ message }) => message)).toEqual([
    expect.stringContaining('no check answers'),
  ]);
});

it('one check that shows nothing is no reason to take ends as lists show them, five in a row are', () => {
  const ends = new ListedEnds({ clock: new ManualClock(), logger: recordingLogger() });
  const end = observation({ upstreamStatus: 'FULFILLED', cardCode: '123456' });
  const taken = Array.from({ length: 5 }, () => {
    ends.checking(end);
    ends.checked(end.orderId);
    return ends.isTaken(end);
  });
  expect(taken).toEqual([false, false, false, false, true]);
});

it('lists that hide digits are not relied on while all checks fail: no customer gets a part of a card', () => {
  const ends = new ListedEnds({ clock: new ManualClock(), logger: recordingLogger() });
  const end = observation({ upstreamStatus: 'FULFILLED', cardCode: '3456' });
  ends.checking(end);
  ends.verify({ ...end, cardCode: '123456', version: 1 });
  ends.checked(end.orderId);
  for (let check = 0; check < 10; check += 1) {
    ends.checking(end);
    ends.checked(end.orderId);
  }
  expect(ends.isTaken(end)).toBe(false);
});

it('the ends of each type are compared, since lists may hide the cards of one alone', async () => {
  const clock = new ManualClock();
  const ends = new ListedEnds({ clock, logger: recordingLogger() });
  const adsl = observation({ upstreamStatus: 'FULFILLED', type: 'ADSL', cardCode: '1' });
  ends.checking(adsl);
  ends.verify({ ...adsl, version: 1 });
  ends.checked(adsl.orderId);
  expect([ends.isTaken(adsl), ends.isTaken({ ...adsl, type: '4G' })]).toEqual([true, false]);
});

it.each([
  ['less exactly, or beside what a check shows, is no difference', 10_999, true],
  ['a second earlier than a check is one', 11_000, false],
])('what a list shows %s', (_what, processedAt, isTaken) => {
  const ends = new ListedEnds({ clock: new ManualClock(), logger: recordingLogger() });
  const end = observation({ upstreamStatus: 'FULFILLED', cardCode: '1', processedAt: 10_000 });
  ends.checking({ ...end, transactionNumber: 'AT-1' });
  ends.verify({ ...end, processedAt, version: 1 });
  expect(ends.isTaken(end)).toBe(isTaken);
});

it('lists that begin to hide digits are found out at once: no customer gets a part of a card', async () => {
  const polled = await pollSimulator({ listCarriesCards: true });
  await followTwenty(polled);
  polled.simulator.fail({ fault: 'maskedCards', operation: 'list' });
  const { cards } = await followTwenty(polled);
  expect(cards.filter((card) => WHOLE.test(card ?? ''))).toHaveLength(20);
  expect(told(polled, 'warn')).toMatchObject([{ fields: { fields: 'cardCode' } }]);
});

it('lists that begin to show other cards are found out by the comparison of the next half hour', async () => {
  const clock = new ManualClock();
  const ends = new ListedEnds({ clock, logger: recordingLogger() });
  const end = observation({ upstreamStatus: 'FULFILLED', cardCode: '123456' });
  const compare = (cardCode: string) => {
    ends.checking({ ...end, cardCode });
    ends.verify({ ...end, version: 1 });
    ends.checked(end.orderId);
  };
  compare('123456');
  await clock.advance(30 * MINUTE_MS - 1);
  expect(ends.isTaken(end)).toBe(true);
  await clock.advance(1);
  expect(ends.isTaken(end)).toBe(false);
  compare('456');
  expect(ends.isTaken(end)).toBe(false);
});

it('lists that no longer hide digits are relied on again after half an hour', async () => {
  const polled = await pollSimulator({ listCarriesCards: true });
  const mend = polled.simulator.fail({ fault: 'maskedCards', operation: 'list' });
  await followTwenty(polled);
  mend();
  expect((await followTwenty(polled)).checks).toBeGreaterThanOrEqual(20);
  await polled.clock.advance(30 * MINUTE_MS);
  expect((await followTwenty(polled)).checks).toBeLessThan(5);
});

it('an order whose check fails holds no other end back for long', async () => {
  const { simulator, clock, ids, found } = await twentyAtOnce();
  simulator.fail({ fault: 'serverError', operation: 'check-id', orderId: ids[0] ?? '' });
  await clock.advance(8 * SECOND_MS);
  expect(await found()).toBe(20);
});
