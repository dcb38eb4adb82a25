import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { encodeCursor } from '../../src/core/cursor.ts';
import { GatewayError } from '../../src/errors.ts';
import { createFeed } from '../../src/feed/feed.ts';
import type { CheckAnswer, ListAnswer } from '../../src/upstream/answer.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { ORDER_ID, observation } from '../support/observations.ts';
import { type Polling, startPolling } from '../support/polling.ts';
import { observed, type ScriptedClient } from '../support/scripted-client.ts';
import { noTelemetry } from '../support/silent.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const YEAR_MS = 365 * 24 * HOUR_MS;

/** The most calls that started within any 60 seconds. */
function mostInAMinute(calls: readonly { readonly at: number }[]): number {
  return Math.max(
    ...calls.map(({ at }) => calls.filter((c) => c.at >= at && c.at < at + MINUTE_MS).length),
  );
}

function orderIds(count: number, first = '0'): string[] {
  return Array.from({ length: count }, (_, n) => first + n.toString(16).padStart(23, '0'));
}

/** Ids of orders that were created now. */
function idsOfNow(clock: ManualClock, count: number): string[] {
  return orderIds(count, Math.floor(clock.now() / 1_000).toString(16)).map(
    (id) => id.slice(0, 8) + id.slice(-16),
  );
}

describe('a query', () => {
  it('shares one call with ten thousand others for the same cold order', async () => {
    const { clock, client, poller } = await startPolling();
    const answers = Array.from({ length: 10_000 }, () => poller.lookup(ORDER_ID));
    await clock.advance(200);
    const views = await Promise.all(answers);
    // Which may take all the time that a call may take.
    expect(client.calls).toMatchObject([{ isPatient: true }]);
    expect(views.every((view) => view?.snapshot.upstreamStatus === 'HANDLING')).toBe(true);
  });

  it('is answered from the log while the order is fresh, and not asked again once settled', async () => {
    const { clock, client, poller } = await startPolling();
    client.answer((id, at) => observed(id, at, 'FULFILLED'));
    const first = poller.lookup(ORDER_ID);
    await clock.advance(200);
    await first;
    await clock.advance(HOUR_MS);
    expect(await poller.lookup(ORDER_ID, 0)).toMatchObject({ isStale: false, nextCheckAt: null });
    expect(client.calls).toHaveLength(1);
  });

  it('gets null for an order that the upstream does not know, and junk is not asked twice', async () => {
    const { clock, client, poller } = await startPolling();
    client.answer(() => ({ kind: 'unknown' }));
    const first = poller.lookup(ORDER_ID);
    await clock.advance(200);
    expect(await first).toBeNull();
    expect(await poller.lookup(ORDER_ID, 0)).toBeNull();
    expect(client.calls).toHaveLength(1);
    await clock.advance(10_001);
    client.answer((id, at) => observed(id, at));
    const again = poller.lookup(ORDER_ID);
    await clock.advance(200);
    expect(await again).not.toBeNull();
  });

  it('gets an order that a list has shown meanwhile, though a moment ago there was none', async () => {
    const { clock, client, poller, store } = await startPolling();
    client.answer(() => ({ kind: 'unknown' }));
    const first = poller.lookup(ORDER_ID);
    await clock.advance(200);
    expect(await first).toBeNull();
    await store.record(observation({ observedAt: clock.now() }), () => clock.now() + MINUTE_MS);
    expect(await poller.lookup(ORDER_ID)).toMatchObject({ snapshot: { version: 1 } });
  });

  it('gets what its call found, not stale, or what was recorded while that call failed', async () => {
    const { clock, client, poller, store } = await startPolling();
    const first = poller.lookup(ORDER_ID);
    await clock.advance(200);
    await first;
    const found = poller.lookup(ORDER_ID, 0);
    await clock.advance(2_000);
    expect(await found).toMatchObject({ snapshot: { version: 1 }, isStale: false });
    client.answer(() => ({ kind: 'failed', reason: 'network' }));
    client.latencyMs = 1_000;
    const failed = poller.lookup(ORDER_ID, 0);
    await clock.advance(500);
    await store.record(
      observation({ upstreamStatus: 'QUEUED', observedAt: clock.now() }),
      () => null,
    );
    await clock.advance(2_000);
    expect(await failed).toMatchObject({ snapshot: { upstreamStatus: 'QUEUED' }, isStale: true });
  });

  it('gets the state that the log holds, marked stale, when the upstream fails', async () => {
    const { clock, client, poller } = await startPolling();
    const first = poller.lookup(ORDER_ID);
    await clock.advance(200);
    await first;
    client.answer(() => ({ kind: 'failed', reason: 'network' }));
    const forced = poller.lookup(ORDER_ID, 0);
    await clock.advance(2_000);
    expect(await forced).toMatchObject({ isStale: true, snapshot: { version: 1 } });
  });

  it('gets an error when the upstream fails and the log holds nothing', async () => {
    const { clock, client, poller } = await startPolling();
    client.answer(() => ({ kind: 'failed', reason: 'timeout' }));
    const answer = poller.lookup(ORDER_ID).catch((error: unknown) => error);
    await clock.advance(200);
    expect(await answer).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  });

  it('shares the call that is in flight for its order, whoever asked for that', async () => {
    const { clock, client, poller } = await startPolling();
    const first = poller.lookup(ORDER_ID);
    await clock.advance(50);
    const second = poller.lookup(ORDER_ID, 0);
    await clock.advance(50);
    expect(await second).toEqual(await first);
    await clock.advance(500);
    expect(client.calls).toHaveLength(1);
  });

  it('has a call of its own, with all the time that a call may take, after a look that was given up', async () => {
    const { clock, client, poller } = await startPolling();
    client.answer((id, at) =>
      client.calls.at(-1)?.isPatient ? observed(id, at) : { kind: 'failed', reason: 'slow' },
    );
    poller.watch(ORDER_ID, () => undefined);
    while (client.calls.length === 0) await clock.advance(10);
    const answer = poller.lookup(ORDER_ID);
    await clock.advance(500);
    expect(await answer).toMatchObject({ snapshot: { version: 1 } });
    expect(client.calls).toMatchObject([{ isPatient: false }, { isPatient: true }]);
  });

  it('is not kept from asking by looks that were given up', async () => {
    const { clock, client, poller } = await startPolling();
    for (const id of orderIds(20)) poller.watch(id, () => undefined);
    await clock.advance(20_000);
    client.answer(() => ({ kind: 'failed', reason: 'slow' }));
    await clock.advance(20_000);
    expect(poller.status().state).toBe('SERVING');
  });

  it('is charged for a call that is made for it alone, and for no other', async () => {
    const { clock, client, poller } = await startPolling();
    let charged = 0;
    const ask = () => {
      const mayAsk = () => {
        charged += 1;
        return undefined;
      };
      return poller.lookup(ORDER_ID, 0, mayAsk).catch((error: unknown) => error);
    };
    const both = [ask(), ask()];
    await clock.advance(50);
    expect([charged, client.calls.length]).toEqual([1, 1]);
    const third = ask();
    await clock.advance(50);
    await Promise.all([...both, third]);
    expect(charged).toBe(1);
    client.answer(() => ({ kind: 'throttled', retryAfterMs: 30_000 }));
    void ask();
    await clock.advance(1_000);
    await ask();
    expect(charged).toBe(2);
    await poller.stop();
    await clock.advance(60_000);
    await ask();
    expect(charged).toBe(2);
  });

  it('that may cost no call gets what the log holds, marked stale, or the refusal where it holds nothing', async () => {
    const { clock, client, poller } = await startPolling();
    client.answer((id, at) => observed(id, at, 'QUEUED'));
    const refusal = new Error('too many');
    const mayAsk = () => refusal;
    await expect(poller.lookup(ORDER_ID, undefined, mayAsk)).rejects.toBe(refusal);
    const first = poller.lookup(ORDER_ID);
    await clock.advance(HOUR_MS);
    await first;
    const held = { isStale: true, snapshot: { version: 1 } };
    expect(await poller.lookup(ORDER_ID, undefined, mayAsk)).toMatchObject(held);
    await expect(poller.lookup(ORDER_ID, 1_000, mayAsk)).rejects.toBe(refusal);
    expect(client.calls).toHaveLength(1);
  });

  it('is told at once when the budget is spent for the moment', async () => {
    const { clock, poller } = await startPolling({ callsPerMinute: 12 });
    const answers = orderIds(20).map((id) => poller.lookup(id).catch((error: unknown) => error));
    await clock.advance(20_000);
    const refused = (await Promise.all(answers)).filter((a) => a instanceof GatewayError);
    expect(refused.length).toBeGreaterThan(10);
    expect(refused[0]).toMatchObject({ code: 'UPSTREAM_THROTTLED' });
    expect(refused[0]?.retryAfterMs).toBeGreaterThan(5_000);
  });

  it('is told after five seconds that OneClickDz does not answer, where it waits for the very first call', async () => {
    const { clock, client, poller } = await startPolling();
    client.latencyMs = 20_000;
    void poller.lookup(ORDER_ID);
    await clock.advance(10);
    const waiting = poller.lookup(orderIds(1)[0] ?? '').catch((error: unknown) => error);
    await clock.advance(5_000);
    expect(await waiting).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  });

  it('has its call at once, though more orders are due than there are calls', async () => {
    const { clock, client, poller } = await startPolling();
    for (const id of orderIds(60)) {
      void poller.lookup(id).catch(() => undefined);
      await clock.advance(1_500);
    }
    for (const orderId of orderIds(10, 'f')) {
      await clock.advance(3_130);
      void poller.lookup(orderId);
      await clock.advance(0);
      expect(client.calls.at(-1)).toMatchObject({ orderId, at: clock.steady() });
    }
  });

  it('is told at once, and leads to no call, where a thousand others wait', async () => {
    const { clock, client, poller } = await startPolling();
    void poller.lookup(ORDER_ID);
    await clock.advance(200);
    const ids = orderIds(1_001);
    const told = ids.map(() => 'nothing');
    for (const [nth, id] of ids.entries()) {
      poller.lookup(id).catch(({ code }: GatewayError) => {
        told[nth] = code;
      });
    }
    await clock.advance(0);
    expect([told[999], told[1_000]]).toEqual(['nothing', 'UPSTREAM_THROTTLED']);
    await clock.advance(20_000);
    expect(client.callsFor(ids[1_000] ?? '')).toBe(0);
  });
});

it('a query is answered whenever it comes, also while the poller goes to sleep', async () => {
  for (let turns = 0; turns < 60; turns += 1) {
    const { clock, poller } = await startPolling();
    await clock.advance(10_000);
    // Wakes the poller, which finds nothing to do.
    poller.watch('not an order', () => undefined)();
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    const answer = poller.lookup(ORDER_ID);
    await clock.advance(200);
    expect(
      await Promise.race([answer, Promise.resolve(`hangs after ${turns} turns`)]),
    ).toMatchObject({
      snapshot: { version: 1 },
    });
  }
});

it('the poller does not spin while the first look at a watched order is on its way', async () => {
  const { clock, client, poller, store } = await startPolling();
  client.latencyMs = 10_000;
  const due = store.due.bind(store);
  let looks = 0;
  store.due = (query) => {
    looks += 1;
    return due(query);
  };
  void poller.lookup(ORDER_ID);
  await clock.advance(10_000);
  poller.watch('a'.repeat(24), () => undefined);
  await clock.advance(9_000);
  expect(client.callsFor('a'.repeat(24))).toBe(1);
  expect(looks).toBeLessThan(60);
});

describe('the schedule', () => {
  it('asks about an order in progress once a second, with nobody watching, until it is settled', async () => {
    const { clock, client, poller, store } = await startPolling();
    const settlesAt = clock.now() + 20_000;
    client.answer((id, at) => observed(id, at, at >= settlesAt ? 'FULFILLED' : 'HANDLING'));
    void poller.lookup(ORDER_ID);
    await clock.advance(HOUR_MS);
    expect((await store.find(ORDER_ID))?.latest).toMatchObject({ version: 2 });
    expect((await store.find(ORDER_ID))?.latest.observedAt).toBeLessThan(settlesAt + 1_300);
    expect(client.calls.length).toBeGreaterThan(15);
    expect(client.calls.length).toBeLessThanOrEqual(21);
  });

  it('asks ever more rarely for an order without an end, and abandons it after seven days', async () => {
    const { clock, client, poller, store, logger } = await startPolling();
    void poller.lookup(ORDER_ID);
    await clock.advance(10 * MINUTE_MS);
    const inTenMinutes = client.calls.length;
    expect(inTenMinutes).toBeLessThan(320);
    await clock.advance(7 * 24 * HOUR_MS);
    expect(await store.find(ORDER_ID)).toMatchObject({ dueAt: null });
    expect(logger.lines.filter(({ message }) => message.startsWith('abandoned'))).toHaveLength(1);
    const before = client.calls.length;
    await clock.advance(24 * HOUR_MS);
    expect(client.calls).toHaveLength(before);
    // A query wakes it.
    const woken = poller.lookup(ORDER_ID);
    await clock.advance(200);
    expect((await woken)?.nextCheckAt).not.toBeNull();
  });

  it('leaves a parked order alone for 12 hours, then asks every hour', async () => {
    const { clock, client, poller } = await startPolling();
    client.answer((id, at) => observed(id, at, 'QUEUED'));
    void poller.lookup(ORDER_ID);
    await clock.advance(12 * HOUR_MS - MINUTE_MS);
    expect(client.calls).toHaveLength(1);
    await clock.advance(4 * HOUR_MS);
    expect(client.calls).toHaveLength(5);
  });

  it('brings a parked order forward to once in five minutes while somebody watches', async () => {
    const { clock, client, poller } = await startPolling();
    client.answer((id, at) => observed(id, at, 'QUEUED'));
    void poller.lookup(ORDER_ID);
    await clock.advance(MINUTE_MS);
    const end = poller.watch(ORDER_ID, () => undefined);
    await clock.advance(30 * MINUTE_MS);
    expect(client.calls).toHaveLength(7);
    end();
    await clock.advance(2 * HOUR_MS);
    expect(client.calls).toHaveLength(8);
  });

  it('does so for one whose last check failed while nobody watched', async () => {
    const { clock, client, poller } = await startPolling();
    client.answer((id, at) => observed(id, at, 'QUEUED'));
    void poller.lookup(ORDER_ID);
    await clock.advance(MINUTE_MS);
    client.answer(() => ({ kind: 'failed', reason: 'timeout' }));
    void poller.lookup(ORDER_ID, 0);
    await clock.advance(MINUTE_MS);
    client.answer((id, at) => observed(id, at, 'QUEUED'));
    poller.watch(ORDER_ID, () => undefined);
    await clock.advance(29 * MINUTE_MS);
    expect(client.calls).toHaveLength(2 + 5);
  });

  it('goes round all orders alike when they are more than the budget allows', async () => {
    const { clock, client, poller } = await startPolling();
    const ids = orderIds(60);
    // Ids come in slowly enough for each first look.
    for (const id of ids) {
      void poller.lookup(id).catch(() => undefined);
      await clock.advance(1_500);
    }
    client.calls.length = 0;
    await clock.advance(4 * MINUTE_MS);
    const counts = ids.map((id) => client.callsFor(id));
    expect(Math.min(...counts)).toBeGreaterThan(0);
    // Not quite as often: those that settle sooner, if they settle, gain a little more.
    expect(Math.max(...counts)).toBeLessThanOrEqual(3 * Math.min(...counts));
  });

  it('gives an order all the time that a call may take, after a check that took too long', async () => {
    const { clock, client, poller } = await startPolling();
    client.answer((id, at) =>
      client.calls.at(-1)?.isPatient ? observed(id, at) : { kind: 'failed', reason: 'slow' },
    );
    poller.watch(ORDER_ID, () => undefined);
    await clock.advance(10_000);
    const patience = client.calls.map(({ isPatient }) => isPatient);
    expect(patience.slice(0, 4)).toEqual([false, true, false, true]);
  });

  it('stays within the budget in every minute, restarts included, and asks one order once at a time', async () => {
    const { clock, client, poller, store } = await startPolling();
    client.latencyMs = 1_500;
    for (const id of orderIds(30)) void poller.lookup(id).catch(() => undefined);
    await clock.advance(90_000);
    await Promise.all([poller.stop(), clock.advance(2_000)]);
    const next = await startPolling({ clock, store });
    next.client.latencyMs = 10;
    await clock.advance(90_000);
    const calls = [...client.calls, ...next.client.calls];
    expect(calls.length).toBeGreaterThan(150);
    expect(mostInAMinute(calls)).toBeLessThanOrEqual(120);
    expect(client.mostInFlightForOne).toBe(1);
    expect(client.mostInFlight).toBeLessThanOrEqual(4);
  });

  it.each([3_000, 8_000])('makes nearly all calls of a minute if each takes %i ms', async (ms) => {
    const { clock, client, poller } = await startPolling();
    client.latencyMs = ms;
    for (const id of orderIds(60)) poller.watch(id, () => undefined);
    await clock.advance(2 * MINUTE_MS);
    client.calls.length = 0;
    await clock.advance(MINUTE_MS);
    // Each counts from its start until a minute after its end.
    expect(client.calls.length).toBeGreaterThan((0.95 * 120 * MINUTE_MS) / (MINUTE_MS + ms));
    expect(client.mostInFlight).toBeLessThanOrEqual(20);
    expect(client.mostInFlightForOne).toBe(1);
  });

  it('makes four calls at most with a key that is revoked while others take long, and one error of it', async () => {
    const { clock, client, poller, logger } = await startPolling();
    client.latencyMs = 8_000;
    for (const id of orderIds(60)) poller.watch(id, () => undefined);
    await clock.advance(MINUTE_MS);
    const revokedAt = clock.steady();
    const tries = () => client.calls.filter(({ at }) => at >= revokedAt);
    client.latencyMs = 1_900;
    client.answer((id, at) =>
      tries().some(({ orderId }) => orderId === id)
        ? { kind: 'refused', httpStatus: 401, upstreamCode: undefined }
        : observed(id, at),
    );
    await clock.advance(10 * MINUTE_MS);
    expect(tries().length).toBeGreaterThan(0);
    expect(tries().length).toBeLessThanOrEqual(4);
    expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  it('knows after a restart when its last call was answered', async () => {
    const { clock, client, poller, store } = await startPolling();
    client.latencyMs = 10_000;
    client.answer((id, at) => observed(id, at, 'FULFILLED'));
    void poller.lookup(ORDER_ID);
    await clock.advance(10_000);
    await poller.stop();
    const next = await startPolling({ clock, store });
    const used = () => next.poller.status().usedInLastMinute;
    await clock.advance(58_999);
    expect(used()).toBe(1);
    await clock.advance(1);
    expect(used()).toBe(0);
  });

  it('lets every other call go to the schedule, however many queries force a check', async () => {
    const { clock, client, poller } = await startPolling();
    const tracked = orderIds(5);
    for (const id of tracked) void poller.lookup(id).catch(() => undefined);
    await clock.advance(10_000);
    client.calls.length = 0;
    client.answer((id, at) => (tracked.includes(id) ? observed(id, at) : { kind: 'unknown' }));
    for (let round = 0; round < 600; round += 1) {
      void poller.lookup(`f${round}`.padStart(24, 'a'), 0).catch(() => undefined);
      await clock.advance(100);
    }
    const polls = client.calls.filter(({ orderId }) => tracked.includes(orderId)).length;
    expect(polls).toBeGreaterThan(client.calls.length * 0.45);
  });

  it('goes on where a key allows too few calls to leave one for queries', async () => {
    const { clock, client, poller } = await startPolling({ callsPerMinute: 30 });
    void poller.lookup(ORDER_ID);
    await clock.advance(MINUTE_MS);
    expect(client.calls.length).toBeGreaterThan(20);
  });

  it('lets every class move under overload, and intervals stretch alike within one', async () => {
    const { clock, client, poller, store } = await startPolling({ callsPerMinute: 60 });
    const [watched, unwatched, parked] = [orderIds(40, 'a'), orderIds(40, 'b'), orderIds(10, 'c')];
    client.answer((id, at) => observed(id, at, parked.includes(id) ? 'QUEUED' : 'HANDLING'));
    for (const id of [...watched, ...unwatched, ...parked]) {
      void poller.lookup(id).catch(() => undefined);
      await clock.advance(4_000);
    }
    for (const id of [...watched, ...parked]) poller.watch(id, () => undefined);
    client.calls.length = 0;
    for (let second = 0; second < 90 * 60; second += 1) {
      void poller.lookup('f'.repeat(24), 0).catch(() => undefined);
      await clock.advance(1_000);
    }
    const callsFor = (ids: readonly string[]) => ids.map((id) => client.callsFor(id));
    const [least, most] = [Math.min, Math.max];
    for (const ids of [watched, unwatched, parked])
      expect(least(...callsFor(ids))).toBeGreaterThan(0);
    expect(most(...callsFor(watched))).toBeLessThanOrEqual(2 * least(...callsFor(watched)));
    expect(most(...callsFor(unwatched))).toBeLessThanOrEqual(2 * least(...callsFor(unwatched)));
    expect(least(...callsFor(watched))).toBeGreaterThanOrEqual(most(...callsFor(unwatched)));
    const queried = client.callsFor('f'.repeat(24));
    expect(queried).toBeGreaterThan(client.calls.length * 0.4);
    expect(queried).toBeLessThan(client.calls.length * 0.6);
    // And says so: most have waited longer than they should by now.
    const [longestDue] = await store.due({ before: clock.now(), limit: 1 });
    expect(clock.now() - (longestDue?.dueAt ?? 0)).toBeGreaterThan(10_000);
    const views = await Promise.all(unwatched.map((id) => poller.lookup(id, 3_600_000)));
    expect(views.filter((view) => view?.isStale).length).toBeGreaterThan(unwatched.length / 2);
  });

  it('goes on with what an earlier process tracked', async () => {
    const first = await startPolling();
    void first.poller.lookup(ORDER_ID);
    await first.clock.advance(5_000);
    const { store, clock } = first;
    await Promise.all([first.poller.stop(), clock.advance(1_000)]);
    const second = await startPolling({ store, clock });
    second.client.answer((id, at) => observed(id, at, 'REFUNDED'));
    await clock.advance(3_000);
    expect((await store.find(ORDER_ID))?.latest).toMatchObject({
      version: 2,
      upstreamStatus: 'REFUNDED',
    });
  });
});

describe('when the upstream fails', () => {
  const throttled = (retryAfterMs?: number): CheckAnswer => ({ kind: 'throttled', retryAfterMs });
  const refused: CheckAnswer = { kind: 'refused', httpStatus: 401, upstreamCode: undefined };

  it.each([
    ['as long as it says', 30_000, 30_000],
    ['15 s where it does not say', undefined, 15_000],
  ])('makes no call after a 429 for %s', async (_, retryAfterMs, waitMs) => {
    const { clock, client, poller } = await startPolling();
    for (const id of orderIds(4)) void poller.lookup(id).catch(() => undefined);
    await clock.advance(20_000);
    client.answer(() => throttled(retryAfterMs));
    await clock.advance(2_000);
    const last = Math.max(...client.calls.map(({ at }) => at));
    client.answer((id, at) => observed(id, at));
    const count = client.calls.length;
    await clock.advance(last + waitMs - clock.now());
    expect(client.calls).toHaveLength(count);
    await clock.advance(10_000);
    expect(client.calls.length).toBeGreaterThan(count);
    expect(poller.status().callsPerMinute).toBeLessThan(90);
  });

  it('makes fewer calls after a 429, also if it is started again before the next one', async () => {
    const { clock, client, poller, store } = await startPolling();
    client.answer(() => throttled(30_000));
    void poller.lookup(ORDER_ID).catch(() => undefined);
    await clock.advance(3_000);
    const { state, callsPerMinute } = poller.status();
    expect(state).toBe('THROTTLED');
    expect(callsPerMinute).toBeLessThan(120);
    // The first one was killed.
    const next = await startPolling({ clock, store });
    expect(next.poller.status().callsPerMinute).toBe(callsPerMinute);
  });

  it.each([[[5_000, 60_000, 10_000]], [[5_000, 10_000, 60_000]]])(
    'waits for the longest time that 429s to calls in flight together say, restarts included: %j',
    async (told) => {
      const { clock, client, poller, store } = await startPolling();
      for (const id of orderIds(told.length)) void poller.lookup(id).catch(() => undefined);
      await clock.advance(MINUTE_MS);
      const waitsMs = [...told];
      client.answer(() => throttled(waitsMs.shift()));
      client.latencyMs = 3_000;
      while (waitsMs.length > 0) await clock.advance(100);
      const { state, resumesAt } = poller.status();
      expect(state).toBe('THROTTLED');
      expect((resumesAt ?? 0) - clock.now()).toBeGreaterThan(55_000);
      // The first one was killed.
      const next = await startPolling({ clock, store });
      expect(next.poller.status()).toMatchObject({ state, resumesAt });
    },
  );

  it('tries a bad key once, whoever waits, and not again for 15 minutes, restarts included', async () => {
    const { clock, client, poller, store, logger } = await startPolling();
    client.answer(() => refused);
    const answers = orderIds(50).map((id) => poller.lookup(id).catch((error: unknown) => error));
    await clock.advance(10_000);
    // Also the one whose call it was.
    for (const answer of await Promise.all(answers)) {
      expect(answer).toMatchObject({ code: 'UPSTREAM_REFUSED', retryAfterMs: 15 * MINUTE_MS });
    }
    expect(client.calls).toHaveLength(1);
    expect(poller.status()).toMatchObject({ state: 'REFUSED' });
    expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    await poller.stop();

    const again = await startPolling({ clock, store });
    await expect(again.poller.lookup(ORDER_ID)).rejects.toMatchObject({
      code: 'UPSTREAM_REFUSED',
    });
    const otherKey = await startPolling({ clock, store, apiKey: 'another' });
    void otherKey.poller.lookup(ORDER_ID);
    await clock.advance(1_000);
    expect(again.client.calls).toHaveLength(0);
    expect(otherKey.client.calls.length).toBeGreaterThan(0);
  });

  it.each([-YEAR_MS, YEAR_MS])(
    'tries a bad key again after 15 minutes, though the clock is set by %i ms meanwhile',
    async (byMs) => {
      const { clock, client, poller } = await startPolling();
      client.answer(() => refused);
      const ask = () => void poller.lookup(ORDER_ID).catch(() => undefined);
      ask();
      await clock.advance(MINUTE_MS);
      clock.set(byMs);
      expect(poller.status().resumesAt).toBe(clock.now() + 14 * MINUTE_MS + 100);
      await clock.advance(14 * MINUTE_MS);
      ask();
      await clock.advance(10);
      expect(client.calls).toHaveLength(1);
      await clock.advance(90);
      ask();
      await clock.advance(100);
      expect(client.calls).toHaveLength(2);
    },
  );

  it.each([
    ['a refusal', refused, 15 * MINUTE_MS],
    ['a 429', throttled(30_000), 30_000],
  ])(
    'waits no longer after %s than it had to, if it starts with the clock set back',
    async (_what, answer, waitMs) => {
      const { clock, client, poller, store } = await startPolling();
      client.answer(() => answer);
      poller.lookup(ORDER_ID).catch(() => undefined);
      await clock.advance(1_000);
      // The first one was killed.
      clock.set(-YEAR_MS);
      const next = await startPolling({ clock, store });
      const ask = () => void next.poller.lookup(ORDER_ID).catch(() => undefined);
      await clock.advance(waitMs - 1);
      ask();
      await clock.advance(0);
      expect(next.client.calls).toHaveLength(0);
      await clock.advance(1);
      ask();
      await clock.advance(100);
      expect(next.client.calls).toHaveLength(1);
      // Nor does the process after that one, although the time that was noted is still a year ahead.
      await next.poller.stop();
      const last = await startPolling({ clock, store });
      expect(last.poller.status().resumesAt).toBeNull();
    },
  );

  it('says so where a wait cannot be noted for the next process', async () => {
    const note = () => Promise.reject(new Error('the disk is full'));
    const store = Object.assign(createMemoryStore(), { note });
    const { clock, client, poller, logger } = await startPolling({ store });
    client.answer(() => throttled(30_000));
    poller.lookup(ORDER_ID).catch(() => undefined);
    await clock.advance(100);
    expect(logger.lines).toContainEqual(
      expect.objectContaining({
        level: 'error',
        message: 'could not note that the upstream told us to wait',
      }),
    );
  });

  it('waits after a restart only for what is left of a wait', async () => {
    const { clock, client, poller, store } = await startPolling();
    client.answer(() => refused);
    poller.lookup(ORDER_ID).catch(() => undefined);
    await clock.advance(10 * MINUTE_MS + 100);
    // The first one was killed.
    const next = await startPolling({ clock, store });
    expect(next.poller.status().resumesAt).toBe(clock.now() + 5 * MINUTE_MS);
  });

  it('knows after a restart how long a wait still is, though the clock was set during it', async () => {
    const { clock, client, poller, store } = await startPolling();
    client.answer(() => refused);
    poller.lookup(ORDER_ID).catch(() => undefined);
    await clock.advance(100);
    clock.set(YEAR_MS);
    await poller.stop();
    const next = await startPolling({ clock, store });
    expect(next.poller.status()).toMatchObject({
      state: 'REFUSED',
      resumesAt: clock.now() + 15 * MINUTE_MS,
    });
  });

  it.each<CheckAnswer>([{ kind: 'failed', reason: 'wrong_order' }, { kind: 'unknown' }])(
    'tries an order whose checks alone fail later each time, and calls it stale: %j',
    async (answer) => {
      const { clock, client, poller } = await startPolling();
      const [broken = '', sound = ''] = orderIds(2);
      for (const id of [broken, sound]) void poller.lookup(id);
      await clock.advance(2_000);
      client.answer((id, at) => (id === broken ? answer : observed(id, at)));
      const from = clock.now();
      await clock.advance(2 * MINUTE_MS);
      const tries = client.calls.filter(({ orderId, at }) => orderId === broken && at >= from);
      const apartMs = tries.slice(1).map(({ at }, index) => at - (tries[index]?.at ?? 0));
      expect(apartMs.length).toBeGreaterThan(4);
      expect(apartMs).toEqual([...apartMs].sort((one, other) => one - other));
      expect(apartMs.at(-1)).toBeGreaterThan(30_000);
      expect(client.callsFor(sound)).toBeGreaterThan(20);
      const [stale, fresh] = [
        await poller.lookup(broken, HOUR_MS),
        await poller.lookup(sound, HOUR_MS),
      ];
      expect(stale).toMatchObject({ isStale: true, snapshot: { version: 1 } });
      expect(stale?.nextCheckAt).toBeGreaterThan(clock.now());
      expect(fresh).toMatchObject({ isStale: false });
    },
  );

  it('breaks after failures in a row, and lets one probe through at a time', async () => {
    const { clock, client, poller } = await startPolling();
    for (const id of orderIds(10)) void poller.lookup(id).catch(() => undefined);
    await clock.advance(30_000);
    client.answer(() => ({ kind: 'failed', reason: 'network' }));
    await clock.advance(10_000);
    expect(poller.status().state).toBe('FAILING');
    client.calls.length = 0;
    client.mostInFlight = 0;
    await clock.advance(10 * MINUTE_MS);
    expect(client.mostInFlight).toBe(1);
    expect(client.calls.length).toBeLessThan(20);
    client.answer((id, at) => observed(id, at));
    await clock.advance(MINUTE_MS);
    expect(poller.status().state).toBe('SERVING');
  });

  it.each([ORDER_ID, 'not-seen-yet'])(
    'is noticed to answer again as soon as the break is over, where one order alone is followed: %s',
    async (id) => {
      const { clock, client, poller, store } = await startPolling({ random: () => 0.99 });
      if (id === ORDER_ID) await Promise.all([poller.lookup(id), clock.advance(2_000)]);
      poller.watch(id, () => undefined);
      client.answer(() => ({ kind: 'failed', reason: 'http_status', httpStatus: 503 }));
      await clock.advance(10 * MINUTE_MS);
      client.answer((asked, at) => observed(asked, at, 'FULFILLED'));
      await clock.advance(MINUTE_MS + 1_000);
      expect((await store.find(id))?.latest.upstreamStatus).toBe('FULFILLED');
    },
  );

  it('is asked minutes later for an order that fails beside many others, as any order might', async () => {
    const { clock, client, poller } = await startPolling();
    const [broken = '', ...sound] = orderIds(11);
    for (const id of [broken, ...sound]) poller.watch(id, () => undefined);
    await clock.advance(20_000);
    client.answer((id, at) =>
      id === broken ? { kind: 'failed', reason: 'http_status', httpStatus: 502 } : observed(id, at),
    );
    await clock.advance(5 * MINUTE_MS);
    const [before = 0, last = 0] = client.calls
      .filter(({ orderId }) => orderId === broken)
      .slice(-2)
      .map(({ at }) => at);
    expect(last - before).toBeGreaterThan(MINUTE_MS);
  });

  describe('at one order alone', () => {
    const FAILURES: readonly CheckAnswer[] = [
      { kind: 'failed', reason: 'http_status', httpStatus: 500 },
      { kind: 'failed', reason: 'unreadable', httpStatus: 404 },
      { kind: 'failed', reason: 'wrong_order', httpStatus: 200 },
    ];

    /** How many of sixty queries for other orders fail, each so long after the one before and after `disturb`. */
    async function failedBeside(
      { clock, poller }: Polling,
      { apartMs, disturb }: { readonly apartMs: number; readonly disturb?: (nth: number) => void },
    ) {
      let failed = 0;
      for (const [nth, id] of orderIds(60).entries()) {
        disturb?.(nth);
        const answer = poller.lookup(id).catch(() => {
          failed += 1;
        });
        await clock.advance(apartMs);
        await answer;
      }
      return failed;
    }

    it.each(FAILURES)(
      'serves those who ask for others: ids that nobody has sent, %o',
      async (failure) => {
        const polling = await startPolling({ triesKey: true });
        const { client, poller } = polling;
        client.answer((id, at) => (id.startsWith('bad') ? failure : observed(id, at, 'REFUNDED')));
        const disturb = (nth: number) => {
          for (let n = 0; n < 6; n += 1) poller.lookup(`bad${nth}-${n}`).catch(() => undefined);
        };
        expect(await failedBeside(polling, { apartMs: 30_000, disturb })).toBe(0);
      },
    );

    it.each(FAILURES)('serves those who ask for others: one in progress, %o', async (failure) => {
      const polling = await startPolling();
      const { clock, client, poller } = polling;
      await Promise.all([poller.lookup('bad'), clock.advance(500)]);
      client.answer((id, at) => (id === 'bad' ? failure : observed(id, at, 'REFUNDED')));
      expect(await failedBeside(polling, { apartMs: 10 * MINUTE_MS })).toBe(0);
    });

    it('is one of ids that nobody has sent nineteen times in a row, but not twenty times', async () => {
      const { clock, client, poller } = await startPolling({ triesKey: true });
      await clock.advance(1_000);
      client.answer(() => FAILURES[0] as CheckAnswer);
      const states: string[] = [];
      for (const id of orderIds(20, 'b')) {
        await Promise.all([poller.lookup(id).catch(() => undefined), clock.advance(1_000)]);
        states.push(poller.status().state);
      }
      expect(states).toEqual([...Array(19).fill('SERVING'), 'FAILING']);
    });

    it('is told of in the end where nothing but ids that nobody has sent is asked for, and all of them fail', async () => {
      const { clock, client, poller, logger } = await startPolling({ triesKey: true });
      await clock.advance(1_000);
      client.answer(() => FAILURES[0] as CheckAnswer);
      for (let n = 0; n < 100; n += 1) {
        poller.lookup(`bad${n}`).catch(() => undefined);
        await clock.advance(1_000);
      }
      expect(logger.lines.filter(({ level }) => level === 'warn')).toMatchObject([
        { message: expect.stringContaining('OneClickDz fails') },
      ]);
      // One each 2 s, rather than all that are asked for.
      expect(client.calls.length).toBeLessThan(70);
      client.answer((id, at) => observed(id, at));
      await Promise.all([poller.lookup('good').catch(() => undefined), clock.advance(3_000)]);
      await Promise.all([poller.lookup('better'), clock.advance(1_000)]);
      expect(poller.status().state).toBe('SERVING');
    });

    it('stops all calls for as long as it says, where it says so', async () => {
      const { clock, client, poller } = await startPolling();
      await Promise.all([poller.lookup(ORDER_ID), clock.advance(500)]);
      client.answer(() => ({ ...(FAILURES[0] as CheckAnswer), retryAfterMs: 40_000 }));
      await clock.advance(10_000);
      const { state, resumesAt } = poller.status();
      expect(state).toBe('FAILING');
      expect((resumesAt ?? 0) - clock.now()).toBeGreaterThan(25_000);
    });

    it('breaks once another one fails too', async () => {
      const { clock, client, poller, logger } = await startPolling();
      const isTold = () =>
        logger.lines.some(({ message }) => message.startsWith('OneClickDz fails'));
      const [one = '', other = ''] = orderIds(2);
      for (const id of [one, other]) await Promise.all([poller.lookup(id), clock.advance(2_000)]);
      client.answer((id, at) => (id === one ? (FAILURES[0] as CheckAnswer) : observed(id, at)));
      await clock.advance(MINUTE_MS);
      expect(isTold()).toBe(false);
      client.answer(() => FAILURES[0] as CheckAnswer);
      await clock.advance(MINUTE_MS);
      expect(isTold()).toBe(true);
    });
  });

  it('has not answered well yet: tries one call at a time, ever more rarely, whatever is asked for', async () => {
    const { clock, client, poller } = await startPolling();
    client.answer(() => ({ kind: 'failed', reason: 'unreadable', httpStatus: 404 }));
    for (let n = 0; n < 60; n += 1) {
      poller.lookup(`bad${n}`).catch(() => undefined);
      await clock.advance(2_000);
    }
    expect(poller.status().state).toBe('FAILING');
    expect(client.calls.length).toBeLessThan(10);
  });
});

it('pauses for a second where an answer cannot be written down, and goes on once it can', async () => {
  const store = createMemoryStore();
  const record = store.record.bind(store);
  store.record = () => Promise.reject(new Error('disk full'));
  const { clock, client, poller } = await startPolling({ store });
  const answers = orderIds(8).map((id) => poller.lookup(id).catch((error: unknown) => error));
  await clock.advance(1_000);
  expect(client.calls).toHaveLength(1);
  expect(await answers[0]).toMatchObject({ code: 'INTERNAL_SERVER_ERROR' });
  store.record = record;
  await clock.advance(4_000);
  expect(await answers[1]).toMatchObject({ snapshot: { version: 1 } });
});

describe('a stop', () => {
  const SHUTTING_DOWN = { code: 'UPSTREAM_UNAVAILABLE', retryAfterMs: 3_000 };
  const caught = (error: unknown) => error;

  it('records what calls in flight find, tells waiting queries at once, and takes no more', async () => {
    const { clock, client, poller, store } = await startPolling();
    client.latencyMs = 1_500;
    const asked = poller.lookup(ORDER_ID);
    await clock.advance(10);
    const waiting = poller.lookup(orderIds(1)[0] ?? '').catch(caught);
    await clock.advance(10);
    const stopped = poller.stop();
    expect(await waiting).toMatchObject(SHUTTING_DOWN);
    await expect(poller.lookup(orderIds(2)[1] ?? '')).rejects.toMatchObject(SHUTTING_DOWN);
    await clock.advance(1_480);
    await stopped;
    expect(await store.find(ORDER_ID)).toBeDefined();
    expect(await asked).toMatchObject({ snapshot: { version: 1 } });
    await clock.advance(MINUTE_MS);
    expect(client.calls).toHaveLength(1);
  });

  it('waits two seconds at most for calls in flight, and then fails who waits for them', async () => {
    const { clock, client, poller } = await startPolling();
    client.latencyMs = 10_000;
    const asked = poller.lookup(ORDER_ID).catch(caught);
    await clock.advance(10);
    const from = clock.steady();
    const stopped = poller.stop().then(() => clock.steady() - from);
    await clock.advance(5_000);
    expect(await stopped).toBe(2_000);
    expect(await asked).toMatchObject(SHUTTING_DOWN);
  });

  it('is over once what the next process must know is noted', async () => {
    const { poller, store } = await startPolling();
    const note = store.note.bind(store);
    const noted: string[] = [];
    store.note = async (name, value) => {
      await setImmediate();
      await note(name, value);
      noted.push(name);
    };
    await poller.stop();
    expect(noted).toEqual(expect.arrayContaining(['call-budget', 'upstream-hold']));
  });

  it('leaves no timer behind, not even where what the next process must know cannot be noted', async () => {
    const clock = new ManualClock();
    const running = new Set<symbol>();
    const after = clock.after.bind(clock);
    clock.after = (delayMs, callback) => {
      const mark = Symbol();
      running.add(mark);
      const end = () => running.delete(mark);
      const timer = after(delayMs, () => void (end() && callback()));
      return { cancel: () => void (end() && timer.cancel()) };
    };
    const { poller, store } = await startPolling({ clock });
    const asked = poller.lookup(ORDER_ID);
    await clock.advance(200);
    await asked;
    expect(running.size).toBeGreaterThan(0);
    store.note = () => Promise.reject(new Error('disk full'));
    await poller.stop();
    expect(running.size).toBe(0);
  });
});

describe('while the next call is chosen', () => {
  it.each<[string, (polling: Polling) => Promise<unknown>]>([
    ['the gateway stops', async ({ poller }) => void poller.stop()],
    [
      'the key is refused',
      ({ clock, client }) => {
        client.answer(() => ({ kind: 'refused', httpStatus: 401, upstreamCode: undefined }));
        return clock.advance(200);
      },
    ],
  ])('%s: none starts any more, not even for a card that a list left out', async (_, happens) => {
    const clock = new ManualClock();
    const orders = idsOfNow(clock, 4);
    const [listed, asked] = [orders.slice(0, 2), orders.slice(2)];
    const list = async (): Promise<ListAnswer> => {
      const askedAt = clock.now();
      await new Promise<void>((resolve) => clock.after(100, resolve));
      const told = { upstreamStatus: 'FULFILLED', observedAt: clock.now() };
      const observations = listed.map((orderId) => observation({ orderId, ...told }));
      return { kind: 'listed', observations, rows: observations.length, askedAt };
    };
    const prepare = (client: ScriptedClient) => void Object.assign(client, { list });
    const polling = await startPolling({ clock, prepare });
    const { client, poller, store } = polling;
    const ask = (orderId: string) => void poller.lookup(orderId).catch(() => undefined);
    listed.forEach(ask);
    await settle();
    asked.forEach(ask);
    await settle();
    const find = store.find.bind(store);
    const held = Promise.withResolvers<void>();
    store.find = async (orderId) => {
      if (asked.includes(orderId)) await held.promise;
      return find(orderId);
    };
    await clock.advance(120);
    // The second card waits until the queries have had their turn.
    expect(client.calls.map(({ orderId }) => orderId)).toEqual([listed[0]]);
    await happens(polling);
    held.resolve();
    await clock.advance(MINUTE_MS);
    expect(client.calls).toHaveLength(1);
  });
});

describe('following an order', () => {
  it('gives the latest at once, then every change in order, and ends after the last', async () => {
    const { clock, client, feed } = await startPolling();
    const start = clock.now();
    const statuses = ['HANDLING', 'VERIFYING', 'QUEUED', 'FULFILLED'];
    const seenBy = (at: number) => statuses[Math.min(3, Math.floor((at - start) / 10_000))];
    client.answer((id, at) => observed(id, at, seenBy(at) ?? ''));
    const seen: unknown[] = [];
    const follow = async () => {
      for await (const event of feed.follow(ORDER_ID)) {
        seen.push(event instanceof GatewayError ? event.code : event.snapshot.upstreamStatus);
      }
      return 'complete';
    };
    const following = follow();
    await clock.advance(HOUR_MS);
    expect(await following).toBe('complete');
    expect(seen).toEqual(statuses);
  });

  it('goes on after a cursor, and starts over for one of another log or beyond the end', async () => {
    const { clock, client, store, poller, feed } = await startPolling();
    const start = clock.now();
    client.answer((id, at) => observed(id, at, at < start + 5_000 ? 'HANDLING' : 'FULFILLED'));
    void poller.lookup(ORDER_ID);
    await clock.advance(MINUTE_MS);
    const versionsAfter = async (logId: string, version: number) => {
      const versions: unknown[] = [];
      for await (const event of feed.follow(ORDER_ID, { logId, version })) {
        versions.push(event instanceof GatewayError ? event.code : event.snapshot.version);
      }
      return versions;
    };
    expect(await versionsAfter(store.logId, 0)).toEqual([1, 2]);
    expect(await versionsAfter(store.logId, 1)).toEqual([2]);
    expect(await versionsAfter(store.logId, 2)).toEqual([]);
    expect(await versionsAfter(store.logId, 9)).toEqual([2]);
    expect(await versionsAfter('another-log', 1)).toEqual([2]);
    expect(encodeCursor({ logId: store.logId, version: 1 })).toMatch(/^[\w-]+$/);
  });

  it('keeps trying for 15 s for an order that the upstream does not know yet', async () => {
    const { clock, client, feed } = await startPolling();
    const start = clock.now();
    client.answer((id, at) => (at < start + 10_000 ? { kind: 'unknown' } : observed(id, at)));
    const first = feed.follow(ORDER_ID)[Symbol.asyncIterator]().next();
    await clock.advance(20_000);
    expect((await first).value).toMatchObject({ snapshot: { version: 1 } });
  });

  it('ends with TOPUP_NOT_FOUND after that, at little cost, which the follower is charged', async () => {
    const { clock, client, feed } = await startPolling();
    client.answer(() => ({ kind: 'unknown' }));
    let charged = 0;
    const charge = (lookups: number) => {
      charged += lookups;
    };
    const account = { spend: () => void charge(1), charge };
    const follower = feed.follow(ORDER_ID, undefined, { account })[Symbol.asyncIterator]();
    const first = follower.next();
    await clock.advance(14_000);
    const early = await Promise.race([first, Promise.resolve('waiting')]);
    expect(early).toBe('waiting');
    await clock.advance(10_000);
    expect((await first).value).toMatchObject({ code: 'TOPUP_NOT_FOUND' });
    expect(await follower.next()).toEqual({ done: true, value: undefined });
    const count = client.calls.length;
    expect([count, charged]).toEqual([5, 5]);
    await clock.advance(MINUTE_MS);
    expect(client.calls).toHaveLength(count);
  });

  it('asks no more often for an order that the upstream does not know, however many follow it', async () => {
    const { clock, client, poller } = await startPolling();
    client.answer(() => ({ kind: 'unknown' }));
    for (let second = 0; second < 24; second += 1) {
      poller.watch(ORDER_ID, () => undefined);
      await clock.advance(1_000);
    }
    expect(client.calls.length).toBeLessThan(8);
  });

  it('stays open while the upstream fails', async () => {
    const { clock, client, feed } = await startPolling();
    client.answer(() => ({ kind: 'failed', reason: 'http_status', httpStatus: 503 }));
    const first = feed.follow(ORDER_ID)[Symbol.asyncIterator]().next();
    await clock.advance(HOUR_MS);
    client.answer((id, at) => observed(id, at));
    await clock.advance(10 * MINUTE_MS);
    expect((await first).value).toMatchObject({ snapshot: { upstreamStatus: 'HANDLING' } });
  });

  it('asks ever more rarely for an order whose first look fails while others are answered', async () => {
    const { clock, client, feed } = await startPolling();
    const other = orderIds(1)[0] ?? '';
    client.answer((id, at) =>
      id === other ? observed(id, at) : { kind: 'failed', reason: 'http_status', httpStatus: 500 },
    );
    for (const id of [other, ORDER_ID]) void feed.follow(id)[Symbol.asyncIterator]().next();
    await clock.advance(10 * MINUTE_MS);
    expect(client.callsFor(ORDER_ID)).toBeGreaterThan(5);
    expect(client.callsFor(ORDER_ID)).toBeLessThan(15);
  });

  it('ends where the log fails, and leaves nothing behind', async () => {
    const { clock, client, poller, store } = await startPolling();
    const log = { ...store, logId: store.logId, onAppend: store.onAppend.bind(store) };
    const failing = { ...log, read: store.read.bind(store), record: store.record.bind(store) };
    const feed = createFeed({
      log: {
        ...failing,
        recordAll: store.recordAll.bind(store),
        onWrite: store.onWrite.bind(store),
        find: () => Promise.reject(new Error('no disk')),
      },
      watch: poller,
      clock,
      telemetry: noTelemetry,
    });
    client.answer(() => ({ kind: 'failed', reason: 'network' }));
    const follower = feed.follow(ORDER_ID)[Symbol.asyncIterator]();
    await expect(follower.next()).rejects.toThrow('no disk');
    expect(await follower.next()).toEqual({ done: true, value: undefined });
    await clock.advance(MINUTE_MS);
    const count = client.calls.length;
    await clock.advance(HOUR_MS);
    expect(client.calls).toHaveLength(count);
  });

  it('can be ended as soon as it has begun, and then costs nothing', async () => {
    const { clock, client, poller } = await startPolling();
    poller.watch(ORDER_ID, () => undefined)();
    await clock.advance(MINUTE_MS);
    expect(client.calls).toEqual([]);
  });

  it('can be ended while it waits, and then costs nothing more', async () => {
    const { clock, client, feed } = await startPolling();
    client.answer(() => ({ kind: 'unknown' }));
    const follower = feed.follow(ORDER_ID)[Symbol.asyncIterator]();
    const waiting = follower.next();
    await clock.advance(2_000);
    await follower.return();
    expect(await waiting).toEqual({ done: true, value: undefined });
    const count = client.calls.length;
    await clock.advance(MINUTE_MS);
    expect(client.calls).toHaveLength(count);
  });
});
