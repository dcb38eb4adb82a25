import { expect, test } from 'vitest';
import type { FaultName } from '../../src/simulator/faults.ts';
import { fulfilledAfter, fulfilledAtOnce } from '../../src/simulator/life.ts';
import { createSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';

function setUp() {
  const clock = new ManualClock();
  const simulator = createSimulator({ clock });
  const id = simulator.addOrder({ plan: fulfilledAtOnce(), type: '4G', ref: 'r' });
  return { clock, simulator, id };
}

function check(simulator: Simulator, id: string, signal?: AbortSignal): Promise<Response> {
  return simulator.fetch(`https://simulator.test/v3/internet/check-id/${id}`, {
    headers: { 'x-access-token': simulator.apiKey },
    ...(signal === undefined ? {} : { signal }),
  });
}

function list(simulator: Simulator): Promise<Response> {
  const headers = { 'x-access-token': simulator.apiKey };
  return simulator.fetch('https://simulator.test/v3/internet/list', { headers });
}

async function statusOf(answer: Promise<Response>): Promise<number> {
  return (await answer).status;
}

test.each<[FaultName, number, string | undefined]>([
  ['routerMiss', 404, undefined],
  ['throttled', 429, 'RATE_LIMIT_EXCEEDED'],
  ['throttledBare', 429, 'RATE_LIMIT_EXCEEDED'],
  ['badRequest', 400, 'ERR_VALIDATION'],
  ['unauthorized', 401, 'INVALID_ACCESS_TOKEN'],
  ['forbidden', 403, 'IP_NOT_ALLOWED'],
  ['outOfScope', 403, 'INSUFFICIENT_SCOPE'],
  ['notFound', 404, 'NOT_FOUND'],
  ['serverError', 500, 'INTERNAL_ERROR'],
  ['unavailable', 503, 'SERVICE_UNAVAILABLE'],
  ['authUnavailable', 503, 'AUTH_UNAVAILABLE'],
])('%s answers %i %s', async (fault, status, code) => {
  const { simulator, id } = setUp();
  simulator.fail({ fault });
  const response = await check(simulator, id);
  const body = await response.json();
  expect([response.status, body.error?.code]).toEqual([status, code]);
  expect('success' in body).toBe(code !== undefined);
});

test.each<[FaultName, number | undefined, string | null]>([
  ['throttled', undefined, '5'],
  ['throttled', 42, '42'],
  ['throttledBare', undefined, null],
  ['unavailable', undefined, null],
  ['unavailable', 9, '9'],
])('%s with %s s says Retry-After: %s', async (fault, retryAfterSeconds, expected) => {
  const { simulator, id } = setUp();
  simulator.fail({ fault, retryAfterSeconds });
  expect((await check(simulator, id)).headers.get('retry-after')).toBe(expected);
});

test.each<[FaultName, number]>([
  ['html', 502],
  ['htmlOk', 200],
])('%s is a page with status %i', async (fault, status) => {
  const { simulator, id } = setUp();
  simulator.fail({ fault });
  const response = await check(simulator, id);
  expect([response.status, response.headers.get('content-type')]).toEqual([status, 'text/html']);
  expect(await response.text()).toMatch(/^<!doctype html>/);
});

test('distorted answers differ from the right one in what they are named for', async () => {
  const { simulator, id } = setUp();
  const right = (await (await check(simulator, id)).json()).data;
  const distorted = async (fault: FaultName) => {
    simulator.fail({ fault, times: 1 });
    return (await (await check(simulator, id)).json()).data;
  };
  const other = await distorted('otherId');
  expect(other).toEqual({ ...right, _id: other._id });
  expect(other._id).toMatch(/^[0-9a-f]{24}$/);
  expect(other._id).not.toBe(id);
  expect(await distorted('missingFields')).toEqual({ _id: id, status: 'FULFILLED' });
  expect(await distorted('nullFields')).toMatchObject({
    _id: id,
    status: 'FULFILLED',
    ref: null,
    card_code: null,
    created_at: null,
  });
  expect(await distorted('maskedCards')).toEqual({
    ...right,
    card_code: `********${right.card_code.slice(-4)}`,
  });
  expect(await distorted('type4GLTE')).toEqual({ ...right, type: '4GLTE' });
  expect(await distorted('unknownStatus')).toEqual({ ...right, status: 'ESCALATED' });
  expect(await distorted('noData')).toBeUndefined();
  expect(await distorted('items')).toEqual(right);
});

test('the rows of a list are distorted too', async () => {
  const { simulator, id } = setUp();
  simulator.fail({ fault: 'items', times: 1 });
  expect((await (await list(simulator)).json()).data.items).toMatchObject([{ _id: id }]);
  simulator.fail({ fault: 'missingFields' });
  expect((await (await list(simulator)).json()).data.topups).toEqual([
    { _id: id, status: 'FULFILLED' },
  ]);
});

test('a truncated answer is the beginning of the right one', async () => {
  const { simulator, id } = setUp();
  simulator.fail({ fault: 'truncated' });
  const text = await (await check(simulator, id)).text();
  expect(text).toMatch(/^\{"success":true,"data":\{"_id":/);
  expect(() => JSON.parse(text)).toThrow(SyntaxError);
});

test('a broken connection fails like fetch does', async () => {
  const { simulator, id } = setUp();
  simulator.fail({ fault: 'connectionReset' });
  const failure = check(simulator, id);
  await expect(failure).rejects.toBeInstanceOf(TypeError);
  await expect(failure).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
  expect(simulator.calls.byOutcome()).toEqual({ none: 1 });
});

test.each([
  { announced: false, contentLength: null },
  { announced: true, contentLength: '50000000' },
])(
  'a body that is too large is made as it is read ($announced)',
  async ({ announced, contentLength }) => {
    const { simulator, id } = setUp();
    simulator.fail({ fault: 'tooLarge', announced });
    const response = await check(simulator, id);
    expect(response.headers.get('content-length')).toBe(contentLength);
    let bytes = 0;
    let longest = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength;
      longest = Math.max(longest, chunk.byteLength);
    }
    expect(bytes).toBe(50_000_000);
    expect(longest).toBeLessThanOrEqual(64 * 1_024);
  },
);

test('a call that hangs ends when it is aborted, with the reason for it', async () => {
  const { clock, simulator, id } = setUp();
  simulator.fail({ fault: 'hang' });
  const abort = new AbortController();
  let ended = false;
  const answer = check(simulator, id, abort.signal).finally(() => {
    ended = true;
  });
  answer.catch(() => {});
  await clock.advance(3_600_000);
  expect([ended, simulator.calls.inFlight]).toEqual([false, 1]);
  const reason = new Error('enough');
  abort.abort(reason);
  await expect(answer).rejects.toBe(reason);
  expect(simulator.calls.inFlight).toBe(0);
});

test.each<FaultName>(['hangBody', 'tooLarge'])('aborting ends the body of %s', async (fault) => {
  const { simulator, id } = setUp();
  simulator.fail({ fault });
  const abort = new AbortController();
  const response = await check(simulator, id, abort.signal);
  const reader = response.body?.getReader();
  expect((await reader?.read())?.value?.byteLength).toBeGreaterThan(0);
  const rest = reader?.read();
  rest?.catch(() => {});
  abort.abort();
  if (fault === 'hangBody') await expect(rest).rejects.toMatchObject({ name: 'AbortError' });
  await expect(reader?.read()).rejects.toMatchObject({ name: 'AbortError' });
});

test('a call that was aborted beforehand is not made', async () => {
  const { simulator, id } = setUp();
  await expect(check(simulator, id, AbortSignal.abort())).rejects.toMatchObject({
    name: 'AbortError',
  });
  expect(simulator.calls.total).toBe(0);
});

test('a slow answer tells how things stand when it comes', async () => {
  const { clock, simulator } = setUp();
  const id = simulator.addOrder({ plan: fulfilledAfter(2_000) });
  simulator.fail({ fault: 'slow', delayMs: 3_000, times: 2 });
  const answer = check(simulator, id);
  const abort = new AbortController();
  const aborted = check(simulator, id, abort.signal);
  await settle();
  expect(simulator.calls.mostAtOnceFor(id)).toBe(2);
  abort.abort();
  await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
  await clock.advance(3_000);
  expect((await (await answer).json()).data).toMatchObject({ status: 'FULFILLED' });
});

test('a fault ends after so many calls, when it is taken away, or with all others', async () => {
  const { simulator, id } = setUp();
  simulator.fail({ fault: 'serverError', times: 2 });
  const mend = simulator.fail({ fault: 'notFound' });
  const next = () => statusOf(check(simulator, id));
  expect([await next(), await next(), await next()]).toEqual([500, 500, 404]);
  mend();
  expect(await next()).toBe(200);
  simulator.fail({ fault: 'serverError' });
  simulator.fail({ fault: 'notFound' });
  simulator.heal();
  expect(await next()).toBe(200);
});

test('a fault may befall one order or one operation only', async () => {
  const { simulator, id } = setUp();
  const other = simulator.addOrder({ plan: 'fulfilled' });
  const mend = simulator.fail({ fault: 'serverError', orderId: id });
  expect(await statusOf(check(simulator, id))).toBe(500);
  expect(await statusOf(check(simulator, other))).toBe(200);
  expect(await statusOf(list(simulator))).toBe(200);
  mend();
  simulator.fail({ fault: 'serverError', operation: 'list' });
  expect(await statusOf(check(simulator, id))).toBe(200);
  expect(await statusOf(list(simulator))).toBe(500);
});

test('a call that is turned away at the door uses no fault up', async () => {
  const { simulator, id } = setUp();
  simulator.fail({ fault: 'serverError', times: 1 });
  const url = `https://simulator.test/v3/internet/check-id/${id}`;
  expect(await statusOf(simulator.fetch(url))).toBe(401);
  expect(await statusOf(check(simulator, id))).toBe(500);
});
