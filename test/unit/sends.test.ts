import { describe, expect, it } from 'vitest';
import { CallBudget } from '../../src/poller/budget.ts';
import { Sends } from '../../src/poller/sends.ts';
import { createRandom } from '../../src/simulator/random.ts';
import type { Answer } from '../../src/upstream/answer.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { observation } from '../support/observations.ts';
import { pollSimulator } from '../support/polling-simulator.ts';

const MINUTE_MS = 60_000;

function newSends(mayShareKey = true) {
  const clock = new ManualClock();
  return { clock, sends: new Sends({ mayShareKey, clock }) };
}

/** A list that shows orders of these ids, all created at one moment. */
function listed(ids: readonly string[], createdAt: number | null): Answer {
  const observations = ids.map((orderId) => observation({ orderId, createdAt }));
  return { kind: 'listed', observations, rows: ids.length, askedAt: 0 };
}

function numbered(count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => `order ${n}`);
}

function validated(scope: string | undefined): Answer {
  return { kind: 'validated', key: { type: 'PRODUCTION', scope, isEnabled: true } };
}

describe('calls left to those who send orders with the same key', () => {
  it('are two in a quiet minute, and otherwise as many as orders came, with the usual variation', () => {
    const { clock, sends } = newSends();
    expect(sends.reserved).toBe(2);
    sends.answered(listed(numbered(25), clock.now()));
    expect(sends.reserved).toBe(25 + 2 * 5 + 2);
  });

  it('count an order once, however often it is shown, for a minute', async () => {
    const { clock, sends } = newSends();
    const createdAt = clock.now();
    for (let second = 0; second < 59; second += 1) {
      sends.answered(listed(numbered(4), createdAt));
      await clock.advance(1_000);
    }
    expect(sends.reserved).toBe(4 + 4 + 2);
    await clock.advance(1_000);
    sends.answered(listed(numbered(4), createdAt));
    expect(sends.reserved).toBe(2);
  });

  it.each([-9, -3, 3, 60])(
    'are the same if the clock of the upstream is %i minutes ahead',
    async (minutes) => {
      const { clock, sends } = newSends();
      const createdAt = clock.now() + minutes * MINUTE_MS;
      sends.answered(listed(numbered(4), createdAt));
      expect(sends.reserved).toBe(4 + 4 + 2);
      for (let second = 0; second < 150; second += 1) {
        sends.answered(listed(numbered(4), createdAt));
        await clock.advance(1_000);
      }
      expect(sends.reserved).toBe(2);
    },
  );

  it('count orders that a check shows, and none that are older or say nothing of their age', () => {
    const { clock, sends } = newSends();
    const newest = observation({ createdAt: clock.now() });
    sends.answered({ kind: 'observed', observation: newest, askedAt: 0 });
    expect(sends.reserved).toBe(1 + 2 + 2);
    sends.answered(listed(['older'], clock.now() - MINUTE_MS));
    sends.answered(listed(['of no age'], null));
    expect(sends.reserved).toBe(1 + 2 + 2);
    sends.answered(listed(['just young enough'], clock.now() - MINUTE_MS + 1));
    expect(sends.reserved).toBe(2 + 3 + 2);
  });

  it('do not count the old orders that a gateway catches up with after a long pause', () => {
    const { clock, sends } = newSends();
    const dayAgo = clock.now() - 24 * 60 * MINUTE_MS;
    sends.answered(listed(numbered(100), dayAgo));
    expect(sends.reserved).toBe(2);
    // From after the pause, of one list: those of its last minute alone.
    const rows = numbered(100).map((orderId, n) => {
      return observation({ orderId: `new ${orderId}`, createdAt: clock.now() - n * 5_000 });
    });
    sends.answered({ kind: 'listed', observations: rows, rows: 100, askedAt: 0 });
    expect(sends.reserved).toBe(12 + 7 + 2);
  });

  it('are none if the key is for the gateway alone, or cannot send', () => {
    const own = newSends(false);
    own.sends.answered(listed(numbered(9), own.clock.now()));
    expect(own.sends.reserved).toBe(0);
    const { clock, sends } = newSends();
    sends.answered(listed(numbered(9), clock.now()));
    for (const scope of ['READ-WRITE', undefined]) sends.answered(validated(scope));
    expect(sends.reserved).toBe(9 + 6 + 2);
    sends.answered(validated('READ-ONLY'));
    expect(sends.reserved).toBe(0);
  });

  it('go on after a restart', async () => {
    const { clock, sends } = newSends();
    const log = createMemoryStore();
    for (const [orderId, agoMs] of [
      ['a', 90_000],
      ['b', 30_000],
    ] as const) {
      const createdAt = clock.now() - agoMs;
      await log.record(observation({ orderId, createdAt }), () => null);
    }
    await sends.recall(log);
    expect(sends.reserved).toBe(1 + 2 + 2);
    sends.answered(listed(['b'], clock.now() - 30_000));
    expect(sends.reserved).toBe(1 + 2 + 2);
    await clock.advance(30_000);
    expect(sends.reserved).toBe(2);
  });

  it('are never so many that the gateway stops', () => {
    const clock = new ManualClock();
    let reserved = 20;
    const budget = new CallBudget({ callsPerMinute: 120, clock, reserved: () => reserved });
    expect([budget.callsPerMinute, budget.room]).toEqual([100, 100]);
    reserved = 200;
    expect([budget.callsPerMinute, budget.room]).toEqual([20, 20]);
  });
});

/** A backend that sends orders with the gateway's key, 25 in a minute on average, while the gateway wants all calls. */
async function sendWhilePolling(mayShareKey: boolean) {
  const { clock, simulator, poller } = await pollSimulator({ mayShareKey });
  // Lists fail, so each order is checked by itself: there is always something to ask.
  simulator.fail({ fault: 'serverError', operation: 'list' });
  const random = createRandom(3);
  const count = { sent: 0, refused: 0 };
  const send = async () => {
    const response = await simulator.fetch('http://simulator.invalid/v3/internet/send', {
      method: 'POST',
      headers: { 'x-access-token': simulator.apiKey },
      body: '{"type":"ADSL","number":"036362608","value":1000}',
    });
    count.sent += 1;
    if (response.status === 429) {
      count.refused += 1;
    } else {
      const { data } = (await response.json()) as { data: { topupId: string } };
      poller.watch(data.topupId, () => undefined);
    }
    clock.after((-Math.log(1 - random()) * MINUTE_MS) / 25, send);
  };
  clock.after(0, send);
  await clock.advance(10 * MINUTE_MS);
  await Promise.all([poller.stop(), clock.advance(5_000)]);
  return { ...count, ownCalls: simulator.calls.total - count.sent };
}

it('a backend can send orders with the key that the gateway polls with', async () => {
  const alone = await sendWhilePolling(false);
  expect(alone.refused).toBeGreaterThan(0);
  const shared = await sendWhilePolling(true);
  expect(shared.refused).toBe(0);
  expect(shared.sent).toBeGreaterThan(200);
  expect(shared.ownCalls).toBeGreaterThan(10 * 70);
});
