import { describe, expect, it } from 'vitest';
import type { KeyAnswer, KeyFacts } from '../../src/upstream/answer.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { ORDER_ID } from '../support/observations.ts';
import { type Polling, startPolling } from '../support/polling.ts';

const MINUTE_MS = 60_000;

type Options = NonNullable<Parameters<typeof startPolling>[0]>;

/** Starts with a real key, of which the upstream says `keyAnswer`. */
function startWithKey(keyAnswer: KeyAnswer, options: Options = {}): Promise<Polling> {
  const prepare: Options['prepare'] = (client) => {
    client.keyAnswer = keyAnswer;
  };
  return startPolling({ ...options, triesKey: true, prepare });
}

function good(key: Partial<KeyFacts> = {}): KeyAnswer {
  const facts = { type: 'PRODUCTION', scope: 'READ-ONLY', isEnabled: true };
  return { kind: 'validated', key: { ...facts, ...key } };
}

const REFUSED: KeyAnswer = {
  kind: 'refused',
  httpStatus: 401,
  upstreamCode: 'INVALID_ACCESS_TOKEN',
};
const FAILED: KeyAnswer = { kind: 'failed', reason: 'http_status', httpStatus: 404 };

/** What is said above `debug`, level and message. */
function said({ logger }: Polling): readonly string[] {
  return logger.lines.map(({ level, message }) => `${level} ${message}`);
}

describe('a good key', () => {
  it('is tried once, at the start, and what it is for is said in one line', async () => {
    const polling = await startWithKey(good());
    await polling.clock.advance(60 * MINUTE_MS);
    expect(polling.client.validations).toHaveLength(1);
    expect(polling.poller.status().state).toBe('SERVING');
    expect(polling.logger.lines).toEqual([
      {
        level: 'info',
        message: 'OneClickDz accepts the API key',
        fields: { type: 'PRODUCTION', scope: 'READ-ONLY' },
      },
    ]);
  });

  it('counts as a call and delays none: a query has its call as soon as the key is known', async () => {
    const polling = await startWithKey(good(), { callsPerMinute: 5 });
    const { clock, client, poller } = polling;
    const view = poller.lookup(ORDER_ID);
    await clock.advance(client.latencyMs);
    expect(poller.status().usedInLastMinute).toBe(2);
    await clock.advance(client.latencyMs);
    expect((await view)?.snapshot.version).toBe(1);
  });

  it('is warned of if it is for the sandbox and nobody said what it allows', async () => {
    const sandbox = good({ type: 'SANDBOX' });
    const assumed = await startWithKey(sandbox, { isLimitAssumed: true });
    const told = await startWithKey(sandbox, { isLimitAssumed: false });
    for (const { clock } of [assumed, told]) await clock.advance(MINUTE_MS);
    expect(said(assumed).slice(1)).toEqual([
      expect.stringMatching(/^warn .*set UPSTREAM_CALLS_PER_MINUTE=60$/),
    ]);
    expect(said(told).slice(1)).toEqual([]);
  });

  it('is said to be shared with those who send orders, if it can send and nobody said what the gateway may use', async () => {
    const sending = good({ scope: 'READ-WRITE' });
    const assumed = await startWithKey(sending, { isLimitAssumed: true });
    const told = await startWithKey(sending, { isLimitAssumed: false });
    for (const { clock } of [assumed, told]) await clock.advance(MINUTE_MS);
    expect(said(assumed).slice(1)).toEqual([expect.stringMatching(/^info .*READ-ONLY key/)]);
    expect(said(told).slice(1)).toEqual([]);
  });

  it('is said to be unknown, and calls are left, if nobody has said that it cannot send', async () => {
    const untold = await startWithKey(FAILED, { isLimitAssumed: true });
    await untold.clock.advance(MINUTE_MS);
    expect(said(untold)).toEqual([expect.stringMatching(/^info OneClickDz has not said/)]);
  });

  it('is warned of if it is disabled', async () => {
    const polling = await startWithKey(good({ isEnabled: false }));
    await polling.clock.advance(MINUTE_MS);
    expect(said(polling).slice(1)).toEqual([expect.stringMatching(/^warn .*disabled/)]);
  });
});

describe('a refused key', () => {
  it('is known before anybody asks, and is not tried again by those who do', async () => {
    const polling = await startWithKey(REFUSED);
    const { clock, client, poller } = polling;
    const early = poller.lookup(ORDER_ID).catch((error: unknown) => error);
    await clock.advance(client.latencyMs);
    expect(poller.status().state).toBe('REFUSED');
    expect(await early).toMatchObject({ code: 'UPSTREAM_REFUSED' });
    await clock.advance(14 * MINUTE_MS);
    await expect(poller.lookup(ORDER_ID)).rejects.toMatchObject({ code: 'UPSTREAM_REFUSED' });
    expect([client.validations.length, client.calls.length]).toEqual([1, 0]);
    expect(said(polling)).toEqual([expect.stringMatching(/^error .*Check ONECLICKDZ_API_KEY/)]);
  });

  it('is not tried by a restart within the wait, which says so, but after it', async () => {
    const { clock, store, poller } = await startWithKey(REFUSED);
    await clock.advance(MINUTE_MS);
    await poller.stop();
    const next = await startWithKey(good(), { clock, store });
    await clock.advance(13 * MINUTE_MS);
    expect(next.client.validations).toEqual([]);
    expect(said(next)).toEqual([expect.stringMatching(/^error .*Check ONECLICKDZ_API_KEY/)]);
    await clock.advance(2 * MINUTE_MS);
    expect(next.client.validations).toHaveLength(1);
    expect(said(next).slice(1)).toEqual([
      'info OneClickDz answers again',
      'info OneClickDz accepts the API key',
    ]);
  });

  it('does not keep another key from being tried', async () => {
    const { clock, store, poller } = await startWithKey(REFUSED);
    await clock.advance(MINUTE_MS);
    await poller.stop();
    const next = await startWithKey(good(), { clock, store, apiKey: 'another' });
    await clock.advance(MINUTE_MS);
    expect(next.poller.status().state).toBe('SERVING');
  });

  it('is not tried again within the wait, though other keys were tried in between', async () => {
    const { clock, store, poller } = await startWithKey(REFUSED);
    await clock.advance(MINUTE_MS);
    await poller.stop();
    for (const [apiKey, answer] of [
      ['second', REFUSED],
      ['third', good()],
    ] as const) {
      const other = await startWithKey(answer, { clock, store, apiKey });
      await clock.advance(MINUTE_MS);
      expect(other.client.validations).toHaveLength(1);
      await other.poller.stop();
    }
    const first = await startWithKey(REFUSED, { clock, store });
    await clock.advance(11 * MINUTE_MS);
    expect(first.client.validations).toEqual([]);
    expect(first.poller.status().state).toBe('REFUSED');
    await first.poller.stop();
    const second = await startWithKey(REFUSED, { clock, store, apiKey: 'second' });
    expect(second.poller.status().state).toBe('REFUSED');
    await second.poller.stop();
    const again = await startWithKey(good(), { clock, store });
    await clock.advance(2 * MINUTE_MS);
    expect(again.poller.status().state).toBe('SERVING');
  });

  it('leaves nothing behind once its wait is over, and of many keys only the latest', async () => {
    const clock = new ManualClock();
    const store = createMemoryStore();
    const noted = async () => JSON.parse((await store.recall('upstream-hold')) ?? '');
    const tryKey = async (apiKey: string, answer: KeyAnswer = REFUSED) => {
      const { poller } = await startWithKey(answer, { clock, store, apiKey });
      await clock.advance(1_000);
      await poller.stop();
    };
    for (let key = 1; key <= 20; key += 1) await tryKey(`key ${key}`);
    expect(await noted()).toHaveLength(8);
    expect(JSON.stringify(await noted())).not.toContain('key 20');
    await clock.advance(15 * MINUTE_MS);
    await tryKey('good', good());
    expect(await noted()).toEqual([]);
  });

  it('is known from the note of an earlier version, which held one key', async () => {
    const { clock, store, poller } = await startWithKey(REFUSED);
    await clock.advance(MINUTE_MS);
    await poller.stop();
    const [only] = JSON.parse((await store.recall('upstream-hold')) ?? '');
    await store.note('upstream-hold', JSON.stringify(only));
    const next = await startWithKey(good(), { clock, store });
    expect(next.poller.status().state).toBe('REFUSED');
  });
});

it('a trial that is answered with 429 stops all calls for as long as it says', async () => {
  const { clock, client, poller } = await startWithKey({ kind: 'throttled', retryAfterMs: 40_000 });
  await clock.advance(client.latencyMs);
  await expect(poller.lookup(ORDER_ID)).rejects.toMatchObject({ code: 'UPSTREAM_THROTTLED' });
  await clock.advance(40_000);
  const view = poller.lookup(ORDER_ID);
  await clock.advance(10_000);
  expect((await view)?.snapshot.version).toBe(1);
  expect(client.validations).toHaveLength(1);
});

it('a trial that fails is no news: it stops no calls, and is not made again', async () => {
  const polling = await startWithKey(FAILED);
  const { clock, client, poller } = polling;
  await clock.advance(client.latencyMs);
  expect(poller.status().state).toBe('PROVING');
  const view = poller.lookup(ORDER_ID);
  await clock.advance(client.latencyMs);
  expect((await view)?.snapshot.version).toBe(1);
  await clock.advance(60 * MINUTE_MS);
  expect(client.validations).toHaveLength(1);
  expect(said(polling).filter((line) => !line.endsWith(' snapshot'))).toEqual([]);
});

it('a shutdown does not wait for a trial', async () => {
  const polling = await startWithKey(good());
  polling.client.latencyMs = 1_000;
  await polling.clock.advance(0);
  expect(polling.client.validations).toHaveLength(1);
  await polling.poller.stop();
  expect(said(polling)).toEqual([]);
});
