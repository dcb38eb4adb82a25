import { expect, test } from 'vitest';
import { fulfilledAtOnce } from '../../src/simulator/life.ts';
import {
  createSimulator,
  type Simulator,
  type SimulatorOptions,
} from '../../src/simulator/simulator.ts';
import { ManualClock } from '../support/manual-clock.ts';

const NOW = Date.UTC(2026, 0, 1);
const MINUTE_MS = 60_000;
const VALIDATE = '/v3/validate';

function setUp(options: SimulatorOptions = {}) {
  const clock = new ManualClock(NOW);
  return { clock, simulator: createSimulator({ apiKey: 'the-key', clock, ...options }) };
}

function call(simulator: Simulator, path: string, key: string | null = 'the-key') {
  const headers: Record<string, string> = key === null ? {} : { 'X-Access-Token': key };
  return simulator.fetch(new URL(path, 'https://simulator.test'), { headers });
}

async function read(simulator: Simulator, path: string, key?: string | null) {
  const response = await call(simulator, path, key);
  return { status: response.status, body: await response.json() };
}

async function send(simulator: Simulator, order: unknown) {
  const response = await simulator.fetch('https://simulator.test/v3/internet/send', {
    method: 'POST',
    headers: { 'x-access-token': 'the-key', 'content-type': 'application/json' },
    body: JSON.stringify(order),
  });
  return { status: response.status, body: await response.json() };
}

test('an answer comes in the envelope', async () => {
  const { simulator } = setUp();
  expect(await read(simulator, VALIDATE)).toMatchInlineSnapshot(`
    {
      "body": {
        "data": {
          "apiKey": {
            "allowedips": [],
            "isEnabled": true,
            "key": "the-key",
            "scope": "READ-WRITE",
            "type": "PRODUCTION",
          },
          "username": "+213550000000",
        },
        "meta": {
          "timestamp": "2026-01-01T00:00:00.000Z",
        },
        "requestId": "req_1",
        "success": true,
      },
      "status": 200,
    }
  `);
});

test.each([
  [60, 'SANDBOX'],
  [120, 'PRODUCTION'],
])('a key that allows %i calls a minute is of type %s', async (callsPerMinute, type) => {
  const { simulator } = setUp({ callsPerMinute });
  expect(await read(simulator, VALIDATE)).toMatchObject({ body: { data: { apiKey: { type } } } });
});

test('an id that nobody knows, and a word that is none, are not found', async () => {
  const { simulator } = setUp();
  const unknown = await read(simulator, '/v3/internet/check-id/6901616fe9e88196b4eb64b2');
  expect(unknown).toMatchInlineSnapshot(`
    {
      "body": {
        "error": {
          "code": "NOT_FOUND",
          "message": "Top-up not found",
        },
        "requestId": "req_1",
        "success": false,
      },
      "status": 404,
    }
  `);
  expect(await read(simulator, '/v3/internet/check-id/nonsense')).toMatchObject({ status: 404 });
});

test('a path or a method that no route takes gets the answer of the router, with any key', async () => {
  const { simulator } = setUp();
  const expected = {
    status: 404,
    body: { message: 'Route GET:/v3/nothing not found', error: 'Not Found', statusCode: 404 },
  };
  expect(await read(simulator, '/v3/nothing', null)).toEqual(expected);
  expect(await read(simulator, '/v3/internet/check-id/')).toMatchObject({ status: 404 });
  expect(await read(simulator, '/v3/internet/check-ref/%E0%A4%A')).toMatchObject({ status: 404 });
  const posted = await simulator.fetch('https://simulator.test/v3/validate', { method: 'POST' });
  expect(await posted.json()).not.toHaveProperty('success');
});

test('an order is found by its reference, however that is spelt in a URL, and by its id in capitals', async () => {
  const { simulator } = setUp();
  const ref = 'API-+213550000000/é 1';
  const id = simulator.addOrder({ plan: 'fulfilled', ref });
  const path = `/v3/internet/check-ref/${encodeURIComponent(ref)}`;
  expect(await read(simulator, path)).toMatchObject({ status: 200, body: { data: { _id: id } } });
  const shouted = await read(simulator, `/v3/internet/check-id/${id.toUpperCase()}`);
  expect(shouted).toMatchObject({ body: { data: { ref } } });
  expect(simulator.calls.countFor(id)).toBe(2);
});

test('the fifth bad key locks everybody out for 15 minutes', async () => {
  const { clock, simulator } = setUp();
  const missing = await read(simulator, VALIDATE, null);
  expect(missing).toMatchObject({
    status: 401,
    body: { error: { code: 'MISSING_ACCESS_TOKEN', details: { attemptsLeft: 4 } } },
  });
  const bad = [];
  for (let attempt = 0; attempt < 4; attempt += 1) {
    bad.push(await read(simulator, VALIDATE, 'bad'));
    // A good key in between does not make up for it.
    if (attempt < 3) expect((await read(simulator, VALIDATE)).status).toBe(200);
  }
  expect(bad.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
  expect(bad.map(({ body }) => body.error.details.attemptsLeft)).toEqual([3, 2, 1, 0]);

  await clock.advance(15 * MINUTE_MS - 1);
  expect(await read(simulator, VALIDATE)).toMatchObject({
    status: 403,
    body: { success: false, error: { code: 'IP_BLOCKED' } },
  });
  await clock.advance(1);
  expect((await read(simulator, VALIDATE)).status).toBe(200);
});

test('in any 60 s no more calls are let through than the limit', async () => {
  const { clock, simulator } = setUp({ callsPerMinute: 3 });
  const status = async () => (await call(simulator, VALIDATE)).status;
  expect(await status()).toBe(200);
  await clock.advance(30_000);
  expect([await status(), await status(), await status()]).toEqual([200, 200, 429]);

  const refused = await call(simulator, VALIDATE);
  expect(refused.headers.get('retry-after')).toBe('30');
  expect(await refused.json()).toMatchObject({ error: { code: 'RATE_LIMIT_EXCEEDED' } });

  await clock.advance(29_999);
  expect(await status()).toBe(429);
  await clock.advance(1);
  // The first call has left the window; the two after it have not.
  expect([await status(), await status()]).toEqual([200, 429]);
});

test('a 429 may come without Retry-After', async () => {
  const { simulator } = setUp({ callsPerMinute: 1, sendsRetryAfter: false });
  await call(simulator, VALIDATE);
  const refused = await call(simulator, VALIDATE);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, null]);
});

test('a list shows the newest first, page by page, and no cards', async () => {
  const { simulator } = setUp();
  const ids = [3, 1, 2, 2].map((minute) =>
    simulator.addOrder({ plan: fulfilledAtOnce(), createdAt: NOW - minute * MINUTE_MS }),
  );
  const newestFirst = [ids[1], ids[3], ids[2], ids[0]];
  const { body } = await read(simulator, '/v3/internet/list');
  expect(body.data.topups.map(({ _id }: { _id: string }) => _id)).toEqual(newestFirst);
  expect(body.data.pagination).toEqual({ page: 1, pageSize: 20, totalPages: 1, totalResults: 4 });
  expect(body.data.topups[0]).toMatchObject({ status: 'FULFILLED' });
  expect(body.data.topups[0]).not.toHaveProperty('card_code');

  const second = await read(simulator, '/v3/internet/list?page=2&pageSize=3');
  expect(second.body.data).toMatchObject({
    topups: [{ _id: ids[0] }],
    pagination: { page: 2, pageSize: 3, totalPages: 2, totalResults: 4 },
  });
});

test('a list takes a range of creation times, both ends included', async () => {
  const { simulator } = setUp();
  const [first] = [0, 1, 2].map((minute) =>
    simulator.addOrder({ plan: 'fulfilled', createdAt: NOW + minute * MINUTE_MS }),
  );
  const from = new Date(NOW).toISOString();
  const within = await read(simulator, `/v3/internet/list?from=${from}&to=${from}`);
  expect(within.body.data).toMatchObject({ topups: [{ _id: first }] });
  expect(within.body.data.pagination.totalResults).toBe(1);
});

test.each([
  'pageSize=0',
  'pageSize=101',
  'page=0',
  'page=x',
  'from=2026-01-01T00:00:00Z',
  'to=2026-01-01T00:00:00Z',
  'from=yesterday&to=today',
])('a list refuses %s', async (query) => {
  const { simulator } = setUp();
  expect(await read(simulator, `/v3/internet/list?${query}`)).toMatchObject({
    status: 400,
    body: { success: false, error: { code: 'ERR_VALIDATION' } },
  });
});

test('a list may carry cards, and may call its rows items', async () => {
  const { simulator } = setUp({ rowsName: 'items', listCarriesCards: true });
  simulator.addOrder({ plan: fulfilledAtOnce() });
  const { body } = await read(simulator, '/v3/internet/list');
  expect(body.data.items).toEqual([expect.objectContaining({ card_code: expect.any(String) })]);
  expect(body.data).not.toHaveProperty('topups');
});

test('an order that was sent is in progress, under the reference that was sent or one made up', async () => {
  const { simulator } = setUp();
  const order = { type: '4G', number: '213472731602', value: 500, ref: 'mine' };
  const sent = await send(simulator, order);
  const { topupId } = sent.body.data;
  expect(sent).toMatchObject({ status: 200, body: { data: { topupRef: 'mine' } } });
  expect((await read(simulator, `/v3/internet/check-id/${topupId}`)).body.data).toMatchObject({
    status: 'HANDLING',
    type: '4G',
    number: '213472731602',
    topup_amount: 500,
    ref: 'mine',
  });
  expect(await send(simulator, order)).toMatchObject({
    status: 403,
    body: { error: { code: 'DUPLICATED_REF' } },
  });
  const { ref: _, ...withoutRef } = order;
  expect((await send(simulator, withoutRef)).body.data.topupRef).toMatch(/^API-\+213\d{9}-/);
});

test.each([
  { type: 'ADSL', number: '213472731602', value: 500 },
  { type: '4G', number: '036362608', value: 500 },
  { type: 'FIBRE', number: '036362608', value: 500 },
  { type: 'ADSL', number: '036362608', value: 0 },
  { type: 'ADSL', number: '036362608' },
  'no order',
])('an order like %j is refused', async (order) => {
  const { simulator } = setUp();
  expect(await send(simulator, order)).toMatchObject({
    status: 400,
    body: { error: { code: 'ERR_VALIDATION' } },
  });
});

test('calls are counted by operation, by outcome and by order, refused ones too', async () => {
  const { simulator } = setUp();
  const id = simulator.addOrder({ plan: 'fulfilled' });
  const path = `/v3/internet/check-id/${id}`;
  await Promise.all([call(simulator, path), call(simulator, path)]);
  await call(simulator, path, 'bad');
  await call(simulator, '/v3/internet/list');
  await call(simulator, '/elsewhere');

  expect(simulator.calls.total).toBe(5);
  expect(simulator.calls.inFlight).toBe(0);
  expect(simulator.calls.byOperation()).toEqual({ 'check-id': 3, list: 1, unrouted: 1 });
  expect(simulator.calls.byOutcome()).toEqual({ '200': 3, '401': 1, '404': 1 });
  expect(simulator.calls.countFor(id)).toBe(3);
  expect(simulator.calls.mostAtOnceFor(id)).toBe(2);
  expect(simulator.calls.recent()[3]).toEqual({
    operation: 'list',
    orderId: undefined,
    startedAt: NOW,
  });
});

test('an id or a reference that is taken is not given again', () => {
  const { simulator } = setUp();
  const id = simulator.addOrder({ plan: 'fulfilled', ref: 'one' });
  expect(() => simulator.addOrder({ plan: 'fulfilled', id })).toThrow(RangeError);
  expect(() => simulator.addOrder({ plan: 'fulfilled', ref: 'one' })).toThrow(RangeError);
});
