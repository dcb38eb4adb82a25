import { describe, expect, it } from 'vitest';
import { ManualClock } from '../support/manual-clock.ts';
import { ORDER_ID, observation } from '../support/observations.ts';
import { type Polling, startPolling } from '../support/polling.ts';
import { observed } from '../support/scripted-client.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const YEAR_MS = 365 * 24 * HOUR_MS;

/** Has the gateway track an order that the upstream shows in this status. */
async function track({ clock, client, poller }: Polling, status = 'HANDLING'): Promise<void> {
  client.answer((id, at) => observed(id, at, status));
  const answer = poller.lookup(ORDER_ID);
  await clock.advance(200);
  await answer;
}

async function restart({ clock, store, poller }: Polling): Promise<Polling> {
  await poller.stop();
  return startPolling({ clock, store });
}

const HOW = {
  'in process': async (polling: Polling, setClock: () => void) => {
    setClock();
    return polling;
  },
  'between two processes': async (polling: Polling, setClock: () => void) => {
    await polling.poller.stop();
    setClock();
    const { clock, store } = polling;
    return startPolling({ clock, store });
  },
};

describe.each(Object.entries(HOW))('a clock that is set back %s', (_name, change) => {
  it.each([HOUR_MS, YEAR_MS])('by %i ms holds up no order in progress', async (byMs) => {
    const polling = await startPolling();
    await track(polling);
    const { clock, client, store } = await change(polling, () => polling.clock.set(-byMs));
    client.answer((id, at) => observed(id, at, 'FULFILLED'));
    await clock.advance(10_000);
    expect(await store.find(ORDER_ID)).toMatchObject({
      latest: { version: 2, observedAt: expect.toSatisfy((at) => at <= clock.now()) },
      dueAt: null,
    });
  });

  it('holds up no order that is not known yet', async () => {
    const polling = await startPolling();
    const { clock } = polling;
    polling.client.answer(() => ({ kind: 'unknown' }));
    polling.poller.watch(ORDER_ID, () => undefined);
    await clock.advance(200);
    const { client, poller, store } = await change(polling, () => clock.set(-YEAR_MS));
    if (poller !== polling.poller) poller.watch(ORDER_ID, () => undefined);
    client.answer((id, at) => observed(id, at));
    await clock.advance(2_000);
    expect(await store.find(ORDER_ID)).toBeDefined();
  });

  it('leaves a parked order its hour', async () => {
    const polling = await startPolling();
    const { clock } = polling;
    await track(polling, 'QUEUED');
    await clock.advance(13.5 * HOUR_MS);
    const { client, store } = await change(polling, () => clock.set(-YEAR_MS));
    client.answer((id, at) => observed(id, at, 'QUEUED'));
    const before = client.calls.length;
    await clock.advance(30 * HOUR_MS);
    const { checkedAt } = (await store.find(ORDER_ID)) ?? {};
    expect(clock.now() - (checkedAt ?? 0)).toBeLessThan(12 * HOUR_MS + MINUTE_MS);
    expect(client.calls.length - before).toBeGreaterThan(10);
    expect(client.calls.length - before).toBeLessThan(35);
  });

  it('brings forward an order that waits after failed checks', async () => {
    const polling = await startPolling({ random: () => 0.99 });
    const { clock } = polling;
    await track(polling);
    // As with a network that comes up only after the clock was set, or certificates that are not valid yet.
    clock.set(HOUR_MS);
    polling.client.answer(() => ({ kind: 'failed', reason: 'network' }));
    await clock.advance(5 * MINUTE_MS);
    const { client, store } = await change(polling, () => clock.set(-HOUR_MS));
    client.answer((id, at) => observed(id, at, 'FULFILLED'));
    await clock.advance(2 * MINUTE_MS);
    expect(await store.find(ORDER_ID)).toMatchObject({ latest: { version: 2 } });
  });
});

describe('a clock that is set forward', () => {
  it('makes no more calls than before', async () => {
    const polling = await startPolling();
    const { clock, client, poller } = polling;
    for (let n = 0; n < 100; n += 1) {
      poller.watch(n.toString(16).padStart(24, '0'), () => undefined);
    }
    await clock.advance(MINUTE_MS / 2);
    clock.set(YEAR_MS);
    await clock.advance(MINUTE_MS / 2);
    expect(client.calls.length).toBeLessThanOrEqual(120);
    clock.set(-YEAR_MS);
    await clock.advance(MINUTE_MS / 2);
    const lately = client.calls.filter(({ at }) => at > clock.steady() - MINUTE_MS);
    expect(lately.length).toBeLessThanOrEqual(120);
  });

  it.each(['answers', 'is not reached', 'knows it not'])(
    'and back abandons no order, whether the upstream %s meanwhile',
    async (meanwhile) => {
      const polling = await startPolling();
      const { clock, client, store } = polling;
      await track(polling);
      clock.set(YEAR_MS);
      if (meanwhile === 'knows it not') client.answer(() => ({ kind: 'unknown' }));
      if (meanwhile === 'is not reached')
        client.answer(() => ({ kind: 'failed', reason: 'network' }));
      await clock.advance(MINUTE_MS);
      clock.set(-YEAR_MS);
      client.answer((id, at) => observed(id, at, 'FULFILLED'));
      await clock.advance(2 * MINUTE_MS);
      expect(await store.find(ORDER_ID)).toMatchObject({ latest: { version: 2 } });
    },
  );

  it('takes an order to be as old as the upstream says, if it was behind when the order came', async () => {
    const createdAt = Date.UTC(2026, 5, 1);
    const polling = await startPolling({ clock: new ManualClock(createdAt + 1_000 - YEAR_MS) });
    const { clock, client, store } = polling;
    client.answer((orderId, observedAt) => ({
      kind: 'observed',
      observation: observation({ orderId, upstreamStatus: 'HANDLING', observedAt, createdAt }),
      askedAt: observedAt,
    }));
    void polling.poller.lookup(ORDER_ID);
    await clock.advance(2_000);
    clock.set(YEAR_MS);
    await clock.advance(3_000);
    expect(await store.find(ORDER_ID)).toMatchObject({ statusSince: createdAt });
    const before = client.calls.length;
    await clock.advance(10_000);
    expect(client.calls.length - before).toBeGreaterThan(5);
  });
});

it('the log tells once that the clock was set back', async () => {
  const polling = await startPolling();
  await track(polling);
  polling.clock.set(-HOUR_MS);
  await polling.clock.advance(MINUTE_MS);
  const { logger } = await restart(polling);
  const told = [...polling.logger.lines, ...logger.lines].filter(({ message }) =>
    message.includes('set back'),
  );
  expect(told).toMatchObject([{ level: 'warn', fields: { seconds: 3_600 } }]);
});
