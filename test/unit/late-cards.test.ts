import { describe, expect, it } from 'vitest';
import { lateCards } from '../../src/poller/late-cards.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ORDER_ID, observation } from '../support/observations.ts';
import { startPolling } from '../support/polling.ts';
import { observed } from '../support/scripted-client.ts';

const CARD = '829743699698';

interface Ages {
  readonly createdHours?: number;
  readonly processedHours?: number;
}

function observedAs(at: number, cardCode: string | null) {
  const told = observation({ upstreamStatus: 'FULFILLED', cardCode, observedAt: at });
  return { kind: 'observed', observation: told, askedAt: at } as const;
}

/** An order that was seen in progress, and is called fulfilled from now on; its card shows `afterMs` later. */
async function fulfilledWithoutCard(afterMs: number) {
  const polling = await startPolling();
  const { clock, client, poller, store } = polling;
  await Promise.all([poller.lookup(ORDER_ID), clock.advance(5_000)]);
  const since = clock.now();
  client.answer((_, at) => observedAs(at, at >= since + afterMs ? CARD : null));
  const states = async () => (await store.read(ORDER_ID, { limit: 9, from: 'oldest' })).map(state);
  return { ...polling, states };
}

const state = (told: { readonly upstreamStatus: string; readonly cardCode: string | null }) =>
  `${told.upstreamStatus} ${told.cardCode}`;

describe('an order that is fulfilled without its card', () => {
  it('is asked for again until the card shows, and its end is recorded with it', async () => {
    const { clock, states, logger } = await fulfilledWithoutCard(10_000);
    await clock.advance(9_000);
    expect(await states()).toEqual(['HANDLING null']);
    await clock.advance(30_000);
    expect(await states()).toEqual(['HANDLING null', `FULFILLED ${CARD}`]);
    expect(logger.lines.filter(({ level }) => level === 'warn')).toEqual([]);
  });

  it('is a stale state in progress to whoever asks meanwhile', async () => {
    const { clock, poller } = await fulfilledWithoutCard(30_000);
    await clock.advance(5_000);
    const asked = poller.lookup(ORDER_ID, 0);
    await clock.advance(6_000);
    expect(await asked).toMatchObject({ snapshot: { upstreamStatus: 'HANDLING' }, isStale: true });
  });

  it('ends without the card if none shows for a minute, which is warned of', async () => {
    const { clock, client, states, logger } = await fulfilledWithoutCard(Number.POSITIVE_INFINITY);
    await clock.advance(59_000);
    expect(await states()).toEqual(['HANDLING null']);
    const calls = client.calls.length;
    await clock.advance(120_000);
    expect(await states()).toEqual(['HANDLING null', 'FULFILLED null']);
    expect(client.calls.length).toBeLessThanOrEqual(calls + 2);
    expect(logger.lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { fields: { orderId: ORDER_ID }, message: expect.stringContaining('no readable card') },
    ]);
  });

  it.each([
    ['OneClickDz does not say when it ended', null],
    ['it ended a moment ago', -500],
  ])('is no news either if nobody has seen it before, and %s', async (_, processedMs) => {
    const { clock, client, poller, store } = await startPolling();
    const since = clock.now();
    const processedAt = processedMs === null ? null : since + processedMs;
    const orderId = `${Math.floor(since / 1_000 - 30).toString(16)}e9e88196b4eb64b2`;
    client.answer((_, at) => {
      const { observation: told } = observedAs(at, at < since + 1_500 ? null : CARD);
      return { kind: 'observed', observation: { ...told, orderId, processedAt }, askedAt: at };
    });
    const refused = expect(poller.lookup(orderId)).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      retryAfterMs: 2_000,
    });
    await clock.advance(500);
    await refused;
    expect(await store.find(orderId)).toBeUndefined();
    poller.watch(orderId, () => undefined);
    await clock.advance(10_000);
    expect((await store.find(orderId))?.latest).toMatchObject({ version: 1, cardCode: CARD });
  });

  it.each([
    ['it was sent days ago', {}],
    ['OneClickDz says that it ended hours ago', { createdHours: 3, processedHours: 2 }],
  ])('is shown at once if %s', async (_, { createdHours, processedHours }: Ages) => {
    const { clock, client, poller } = await startPolling();
    const hoursAgo = (at: number, hours = 0) => (hours === 0 ? null : at - hours * 3_600_000);
    client.answer((_id, at) => {
      const { observation: told } = observedAs(at, null);
      const times = {
        createdAt: hoursAgo(at, createdHours),
        processedAt: hoursAgo(at, processedHours),
      };
      return { kind: 'observed', observation: { ...told, ...times }, askedAt: at };
    });
    const [view] = await Promise.all([poller.lookup(ORDER_ID), clock.advance(500)]);
    expect(view?.snapshot).toMatchObject({ upstreamStatus: 'FULFILLED', cardCode: null });
  });
});

it('a refund has no card to wait for', async () => {
  const { clock, client, poller, store } = await startPolling();
  await Promise.all([poller.lookup(ORDER_ID), clock.advance(5_000)]);
  client.answer((id, at) => observed(id, at, 'REFUNDED'));
  await clock.advance(2_000);
  expect((await store.find(ORDER_ID))?.latest.upstreamStatus).toBe('REFUNDED');
});

it('a card is waited for until three answers have lacked it, however long a busy key takes to ask', async () => {
  const clock = new ManualClock();
  const isAwaited = lateCards(clock);
  expect(isAwaited(ORDER_ID)).toBe(true);
  await clock.advance(120_000);
  expect(isAwaited(ORDER_ID)).toBe(true);
  expect(isAwaited(ORDER_ID)).toBe(false);
});
