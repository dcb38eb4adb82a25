import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Fetch } from '../../src/core/ports.ts';
import type { FaultName } from '../../src/simulator/faults.ts';
import { fulfilledAtOnce } from '../../src/simulator/life.ts';
import { createSimulator } from '../../src/simulator/simulator.ts';
import type { Answer } from '../../src/upstream/answer.ts';
import { createUpstreamClient, type UpstreamClient } from '../../src/upstream/client.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ORDER_ID } from '../support/observations.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import { noTelemetry } from '../support/silent.ts';

const CARD_CODE = /\d{12}/;

function createClient(fetch: Fetch, clock = new ManualClock(), apiKey = 'the-key') {
  const logger = recordingLogger();
  const client = createUpstreamClient({
    baseUrl: 'https://upstream.invalid',
    apiKey,
    timeoutMs: 15_000,
    fetch,
    clock,
    logger,
    telemetry: noTelemetry,
  });
  return { client, clock, logger };
}

function overSimulator() {
  const clock = new ManualClock();
  const simulator = createSimulator({ clock });
  const id = simulator.addOrder({ plan: fulfilledAtOnce(), id: ORDER_ID });
  return { simulator, id, ...createClient(simulator.fetch, clock, simulator.apiKey) };
}

function answering(body: unknown, init: ResponseInit = {}) {
  return createClient(async () => new Response(JSON.stringify(body), init)).client;
}

describe("a machine's clock", () => {
  const NOW = Date.UTC(2026, 0, 1);

  async function warningsAt(differenceMs: number, hours = 1) {
    const headers = { date: new Date(NOW - differenceMs).toUTCString() };
    const { client, clock, logger } = createClient(async () => new Response('{}', { headers }));
    for (let hour = 0; hour < hours; hour += 1) {
      for (let times = 0; times < 10; times += 1) await client.check(ORDER_ID);
      await clock.advance(3_600_000);
      clock.set(-3_600_000);
    }
    return logger.lines
      .filter(({ level }) => level === 'warn')
      .map(({ fields, message }) => {
        return [fields['seconds'], /ahead|behind/.exec(message)?.[0]];
      });
  }

  it('is warned of once an hour if it differs from that of OneClickDz', async () => {
    expect(await warningsAt(60_000, 2)).toEqual([
      [60, 'ahead'],
      [60, 'ahead'],
    ]);
    expect(await warningsAt(-3_600_000)).toEqual([[3_600, 'behind']]);
  });

  it('is not warned of for what a response takes to arrive', async () => {
    expect(await warningsAt(20_000)).toEqual([]);
    expect(await warningsAt(-20_000)).toEqual([]);
  });

  it('is not warned of if OneClickDz does not say what time it is', async () => {
    for (const headers of [{}, { date: 'soon' }] as Record<string, string>[]) {
      const { client, logger } = createClient(async () => new Response('{}', { headers }));
      await client.check(ORDER_ID);
      expect(logger.lines.filter(({ message }) => message.includes('clock'))).toEqual([]);
    }
  });
});

describe('check', () => {
  it('tells all that the upstream tells of a fulfilled order', async () => {
    const client = answering({
      success: true,
      data: {
        _id: ORDER_ID,
        ref: 'internet-order-001',
        status: 'FULFILLED',
        type: 'ADSL',
        number: '036362608',
        topup_amount: 1000,
        card_code: '123456789012',
        num_trans: 'AT-2025-12345',
        date_traitement: '2025-10-29T01:05:30.000Z',
        created_at: '2025-10-29T01:00:00.000Z',
      },
    });
    expect(await client.check(ORDER_ID)).toEqual({
      kind: 'observed',
      observation: {
        orderId: ORDER_ID,
        observedAt: Date.UTC(2026, 0, 1),
        upstreamStatus: 'FULFILLED',
        ref: 'internet-order-001',
        type: 'ADSL',
        number: '036362608',
        amount: 1000,
        cardCode: '123456789012',
        transactionNumber: 'AT-2025-12345',
        processedAt: Date.UTC(2025, 9, 29, 1, 5, 30),
        refundMessage: null,
        createdAt: Date.UTC(2025, 9, 29, 1),
      },
      askedAt: Date.UTC(2026, 0, 1),
    });
  });

  it.each<[FaultName, object]>([
    ['notFound', { kind: 'unknown' }],
    ['badRequest', { kind: 'unknown' }],
    ['routerMiss', { kind: 'failed', reason: 'unreadable' }],
    ['html', { kind: 'failed', reason: 'http_status', httpStatus: 502 }],
    ['htmlOk', { kind: 'failed', reason: 'unreadable' }],
    ['truncated', { kind: 'failed', reason: 'unreadable' }],
    ['noData', { kind: 'failed', reason: 'unreadable' }],
    ['tooLarge', { kind: 'failed', reason: 'too_large' }],
    ['otherId', { kind: 'failed', reason: 'wrong_order' }],
    ['connectionReset', { kind: 'failed', reason: 'network', networkCode: 'ECONNRESET' }],
    ['serverError', { kind: 'failed', reason: 'http_status', httpStatus: 500 }],
    ['unavailable', { kind: 'failed', reason: 'http_status', httpStatus: 503 }],
    ['authUnavailable', { kind: 'failed', reason: 'http_status', httpStatus: 503 }],
    ['unauthorized', { kind: 'refused', httpStatus: 401 }],
    ['forbidden', { kind: 'refused', httpStatus: 403 }],
    ['throttledBare', { kind: 'throttled', retryAfterMs: undefined }],
    ['missingFields', { observation: { upstreamStatus: 'FULFILLED', cardCode: null, type: null } }],
    ['nullFields', { observation: { upstreamStatus: 'FULFILLED', cardCode: null, amount: null } }],
    ['type4GLTE', { kind: 'observed', observation: { type: '4GLTE' } }],
    ['unknownStatus', { kind: 'observed' }],
  ])('reads %s as it should', async (fault, expected) => {
    const { simulator, client, id } = overSimulator();
    simulator.fail({ fault });
    expect(await client.check(id)).toMatchObject(expected);
  });

  it('waits as a 429 says', async () => {
    const { simulator, client, id } = overSimulator();
    simulator.fail({ fault: 'throttled', retryAfterSeconds: 7 });
    expect(await client.check(id)).toEqual({ kind: 'throttled', retryAfterMs: 7_000 });
  });

  it.each<FaultName>(['hang', 'hangBody'])('gives up on a call that hangs: %s', async (fault) => {
    const { simulator, client, clock, id } = overSimulator();
    simulator.fail({ fault });
    const answer = client.check(id);
    await clock.advance(15_001);
    expect(await answer).toEqual({ kind: 'failed', reason: 'timeout' });
  });

  it.each([
    {
      what: 'a check',
      ask: (client: UpstreamClient) => client.check(ORDER_ID),
      givenUp: { ms: 3_000, reason: 'slow' },
    },
    {
      what: 'a list',
      ask: (client: UpstreamClient) => client.list({ from: 0, to: 1 }),
      givenUp: { ms: 3_000, reason: 'slow' },
    },
    {
      what: 'a patient check',
      ask: (client: UpstreamClient) => client.check(ORDER_ID, { isPatient: true }),
      givenUp: { ms: 15_000, reason: 'timeout' },
    },
  ])(
    'gives $what up after $givenUp.ms ms if others took half a second',
    async ({ ask, givenUp }) => {
      const { simulator, client, clock } = overSimulator();
      simulator.fail({ fault: 'slow', delayMs: 500 });
      for (let times = 0; times < 20; times += 1) {
        const quick = ask(client);
        await clock.advance(500);
        await quick;
      }
      simulator.heal();
      simulator.fail({ fault: 'hang' });
      let answer: Answer | undefined;
      const answered = ask(client).then((given) => {
        answer = given;
      });
      await clock.advance(givenUp.ms - 1);
      expect(answer).toBeUndefined();
      await clock.advance(1);
      await answered;
      expect(answer).toEqual({ kind: 'failed', reason: givenUp.reason });
    },
  );

  it.each([{}, { _id: null }])(
    'takes an answer that leaves its id out for the one that was asked for: %j',
    async (id) => {
      const client = answering({ success: true, data: { ...id, status: 'QUEUED' } });
      expect(await client.check(ORDER_ID)).toMatchObject({ observation: { orderId: ORDER_ID } });
    },
  );

  it.each([
    ['data that is none', null],
    ['no status', { _id: ORDER_ID }],
    ['an empty status', { status: '' }],
    ['a status that is no word', { status: 'x'.repeat(65) }],
  ])('calls an answer with %s unreadable', async (_what, data) => {
    const answer = await answering({ success: true, data }).check(ORDER_ID);
    expect(answer).toEqual({ kind: 'failed', reason: 'unreadable', httpStatus: 200 });
  });

  it.each([undefined, 'Not found.', {}])(
    'knows a failure by its envelope, whatever its error is: %j',
    async (error) => {
      const body = { success: false, error };
      const answer = (status: number) => answering(body, { status }).check(ORDER_ID);
      expect(await answer(404)).toEqual({ kind: 'unknown' });
      const failed = { kind: 'failed', reason: 'http_status' };
      expect(await answer(200)).toEqual({ ...failed, httpStatus: 200 });
      expect(await answer(409)).toEqual({ ...failed, httpStatus: 409 });
    },
  );

  it.each(['', '-5', '0x1F', '1e3', '500 DA'])('takes an amount of %j for absent', async (text) => {
    const client = answering({ success: true, data: { status: 'HANDLING', topup_amount: text } });
    expect(await client.check(ORDER_ID)).toMatchObject({ observation: { amount: null } });
  });

  it.each([
    ['fulfilled', 'FULFILLED'],
    ['Refunded', 'REFUNDED'],
    ['verifying', 'verifying'],
  ])('reads the status %s as %s', async (status, upstreamStatus) => {
    const client = answering({ success: true, data: { status } });
    expect(await client.check(ORDER_ID)).toMatchObject({ observation: { upstreamStatus } });
  });

  it.each([
    [200, { success: false, error: { code: 'NOT_FOUND' } }],
    [404, { success: true, data: null }],
  ])('takes %i %j for an order that is not there', async (status, body) => {
    expect(await answering(body, { status }).check(ORDER_ID)).toEqual({ kind: 'unknown' });
  });

  it('reads a body that begins with a byte order mark', async () => {
    const body = '\ufeff{"success":true,"data":{"status":"HANDLING"}}';
    const { client } = createClient(async () => new Response(body));
    expect(await client.check(ORDER_ID)).toMatchObject({ kind: 'observed' });
  });

  it('takes odd details for absent ones, and keeps the rest', async () => {
    const client = answering({
      success: true,
      data: {
        status: 'HANDLING',
        ref: '',
        refund_message: 'x'.repeat(10_001),
        num_trans: 'x'.repeat(10_000),
        number: 213_000,
        topup_amount: '500',
        created_at: 'soon',
      },
    });
    expect(await client.check(ORDER_ID)).toMatchObject({
      observation: {
        ref: null,
        refundMessage: null,
        transactionNumber: 'x'.repeat(10_000),
        number: '213000',
        amount: 500,
        createdAt: null,
      },
    });
  });

  it('takes what no answer, and no later call, can say for absent', async () => {
    const odd = { topup_amount: '9'.repeat(400), date_traitement: '+275760-09-13T00:00:00.000Z' };
    const client = answering({
      success: true,
      data: { status: 'FULFILLED', ...odd, created_at: '-271821-04-20T00:00:00.000Z' },
    });
    expect(await client.check(ORDER_ID)).toMatchObject({
      observation: { amount: null, processedAt: null, createdAt: null },
    });
  });

  it.each([
    ['2025-10-29T01:05:30.000Z', '2025-10-29T01:05:30.000Z'],
    ['2025-10-29T01:05:30.123456+01:00', '2025-10-29T00:05:30.123Z'],
    ['2025-10-29T01:05:30-0530', '2025-10-29T06:35:30.000Z'],
    ['2025-10-29 01:05', '2025-10-29T01:05:00.000Z'],
    ['2025-10-29T01:05:30', '2025-10-29T01:05:30.000Z'],
    ['2025-13-29T01:05:30Z', null],
    ['29/10/2025 01:05', null],
    ['10/29/2025 01:05', null],
    ['Order 7', null],
    ['-1', null],
  ])('takes the time %s for %s, whatever the zone of the machine', async (told, meant) => {
    vi.stubEnv('TZ', 'Africa/Algiers');
    onTestFinished(() => void vi.unstubAllEnvs());
    const client = answering({
      success: true,
      data: { status: 'FULFILLED', date_traitement: told },
    });
    const processedAt = meant === null ? null : Date.parse(meant);
    expect(await client.check(ORDER_ID)).toMatchObject({ observation: { processedAt } });
  });

  it('follows no redirect, which would carry the key along', async () => {
    const seen: (RequestInit | undefined)[] = [];
    const { client } = createClient(async (_url, init) => {
      seen.push(init);
      return new Response(null, {
        status: 302,
        headers: { location: 'https://elsewhere.invalid' },
      });
    });
    expect(await client.check(ORDER_ID)).toMatchObject({ reason: 'http_status', httpStatus: 302 });
    expect(seen).toMatchObject([{ redirect: 'manual', headers: { 'x-access-token': 'the-key' } }]);
  });

  it('refuses a body that says it is too long before it reads it', async () => {
    let pulled = 0;
    let isCancelled = false;
    const body = new ReadableStream(
      {
        pull() {
          pulled += 1;
        },
        cancel() {
          // Else its connection would stay taken.
          isCancelled = true;
        },
      },
      { highWaterMark: 0 },
    );
    const headers = { 'content-length': String(50 * 1024 * 1024) };
    const { client } = createClient(async () => new Response(body, { headers }));
    expect(await client.check(ORDER_ID)).toMatchObject({ reason: 'too_large' });
    expect([pulled, isCancelled]).toEqual([0, true]);
  });

  it('logs the word of the system for a network fault', async () => {
    const { client, logger } = createClient(() =>
      // As Node's fetch does: the code is that of the cause.
      Promise.reject(
        new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ENOTFOUND' }) }),
      ),
    );
    await client.check(ORDER_ID);
    expect(logger.lines).toMatchObject([{ fields: { outcome: 'network', code: 'ENOTFOUND' } }]);
  });

  it.each([
    ['IP_NOT_ALLOWED', 'IP_NOT_ALLOWED'],
    ['INVALID-ACCESS-TOKEN', 'INVALID-ACCESS-TOKEN'],
    ['ea27b376-9f5c-4b09-883f-1b96cd7b541c', undefined],
    ['X'.repeat(41), undefined],
  ])('tells of a refusal with the code %s', async (code, told) => {
    const body = { success: false, error: { code, message: 'No.' } };
    const { client, logger } = createClient(async () => Response.json(body, { status: 403 }));
    const refused = { kind: 'refused', httpStatus: 403, upstreamCode: told };
    expect(await client.check(ORDER_ID)).toEqual(refused);
    expect(logger.lines).toMatchObject([{ fields: { outcome: 'refused', code: told } }]);
  });

  it('takes a refusal for one though its body breaks off', async () => {
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error('reset')) });
    const { client } = createClient(async () => new Response(body, { status: 401 }));
    expect(await client.check(ORDER_ID)).toMatchObject({ kind: 'refused', httpStatus: 401 });
  });

  it.each([
    { status: 429, expected: { kind: 'throttled', retryAfterMs: 60_000 }, withinMs: 0 },
    { status: 403, expected: { kind: 'refused', httpStatus: 403 }, withinMs: 1_000 },
  ])('takes a $status for one though its body never ends, and lets go of that', async (given) => {
    const { status, expected, withinMs } = given;
    let signal: AbortSignal | null | undefined;
    const { client, clock } = createClient(async (_, init) => {
      signal = init?.signal;
      return new Response(new ReadableStream(), { status, headers: { 'retry-after': '60' } });
    });
    const answer = client.check(ORDER_ID);
    await clock.advance(withinMs);
    expect(await answer).toMatchObject(expected);
    expect(signal?.aborted).toBe(true);
  });

  it('logs one line a call, without the key, a card code or a reference', async () => {
    const { simulator, client, logger, id } = overSimulator();
    await client.check(id);
    simulator.fail({ fault: 'forbidden' });
    await client.check(id);
    expect(logger.lines).toMatchObject([
      { level: 'debug', fields: { orderId: id, outcome: 'observed', httpStatus: 200 } },
      { level: 'debug', fields: { orderId: id, outcome: 'refused', httpStatus: 403 } },
    ]);
    expect(new Set(logger.lines.map(({ message }) => message))).toEqual(new Set(['upstream call']));
    const text = JSON.stringify(logger.lines.map(({ fields }) => ({ ...fields, orderId: '' })));
    expect(text).not.toContain(simulator.apiKey);
    expect(text).not.toMatch(CARD_CODE);
  });
});

describe('an upstream that repeats the key', () => {
  const key = 'ea27b376-9f5c-4b09-883f-1b96cd7b541c';
  const order = { _id: ORDER_ID, status: 'REFUNDED', ref: 'order-1', number: '036362608' };
  const saying = (data: unknown) =>
    createClient(async () => Response.json({ success: true, data }), new ManualClock(), key).client;

  it.each([key, `X-Access-Token: ${key} is not allowed`])(
    'is believed but for the texts that hold it: %s',
    async (echo) => {
      const data = { ...order, ref: echo, refund_message: echo, card_code: echo };
      const told = { upstreamStatus: 'REFUNDED', number: '036362608', ref: null };
      const observation = { ...told, refundMessage: null, cardCode: null };
      expect(await saying(data).check(ORDER_ID)).toMatchObject({ kind: 'observed', observation });
      const window = { from: 0, to: 1_000 };
      expect(await saying({ topups: [data] }).list(window)).toMatchObject({
        kind: 'listed',
        observations: [observation],
      });
    },
  );

  it('has said nothing if the status holds it', async () => {
    const data = { ...order, status: key };
    expect(await saying(data).check(ORDER_ID)).toMatchObject({ reason: 'unreadable' });
  });

  it('may use a word that is as short as a key for trying out', async () => {
    const { client } = createClient(
      async () => Response.json({ success: true, data: order }),
      new ManualClock(),
      'order',
    );
    expect(await client.check(ORDER_ID)).toMatchObject({ observation: { ref: 'order-1' } });
  });
});

describe('the log', () => {
  const failing = { success: false, error: { code: 'INTERNAL_ERROR' } };

  it('tells of the first call that fails, and then of one in ten minutes for all', async () => {
    const { client, clock, logger } = createClient(async () =>
      Response.json(failing, { status: 500 }),
    );
    for (const waitMs of [0, 60_000, 8 * 60_000, 60_000]) {
      await clock.advance(waitMs);
      await client.check(ORDER_ID);
    }
    const told = logger.lines.map(({ level, fields }) => [level, fields['failures']]);
    expect(told).toEqual([
      ['info', 1],
      ['debug', undefined],
      ['debug', undefined],
      ['info', 3],
    ]);
    expect(logger.lines[3]).toMatchObject({
      message: 'upstream call failed',
      fields: { operation: 'check-id', orderId: ORDER_ID, outcome: 'http_status', httpStatus: 500 },
    });
  });
});

describe('validate', () => {
  const { signal } = new AbortController();

  it('reads what the simulator says of the key, and never the key', async () => {
    const { client, simulator, logger } = overSimulator();
    const answer = await client.validate(signal);
    expect(answer).toEqual({
      kind: 'validated',
      key: { type: 'PRODUCTION', scope: 'READ-WRITE', isEnabled: true },
    });
    expect(JSON.stringify([answer, logger.lines])).not.toContain(simulator.apiKey);
  });

  it.each([
    { type: 'ea27b376-9f5c-4b09-883f-1b96cd7b541c', scope: 7, isEnabled: 'no' },
    { type: 'X'.repeat(41), scope: 'KEY-ea27b376' },
    { type: null },
    {},
  ])('leaves out what is no word: %j', async (apiKey) => {
    const client = answering({ success: true, data: { apiKey } });
    const key = { type: undefined, scope: undefined, isEnabled: undefined };
    expect(await client.validate(signal)).toEqual({ kind: 'validated', key });
  });

  it('reads it beside an echo of the key as well', async () => {
    const data = { apiKey: 'ea27b376', type: 'SANDBOX', scope: 'READ-ONLY', isEnabled: false };
    expect(await answering({ success: true, data }).validate(signal)).toEqual({
      kind: 'validated',
      key: { type: 'SANDBOX', scope: 'READ-ONLY', isEnabled: false },
    });
  });

  it.each([
    ['data that is no object', { success: true, data: 'ok' }, 'unreadable'],
    ['a refusal', { success: false, error: { code: 'NOT_FOUND' } }, 'http_status'],
    [
      'a router that does not know it',
      { message: 'Route not found', statusCode: 404 },
      'unreadable',
    ],
  ])('has failed for %s, which is not news', async (_what, ...[body, reason]) => {
    const { client, logger } = createClient(async () => Response.json(body));
    expect(await client.validate(signal)).toMatchObject({ kind: 'failed', reason });
    expect(logger.lines.map(({ level }) => level)).toEqual(['debug']);
  });

  it('tells of an upstream that cannot be reached', async () => {
    const { client, logger } = createClient(() => Promise.reject(new TypeError('fetch failed')));
    await client.validate(signal);
    const fields = { operation: 'validate', outcome: 'network', code: 'TypeError' };
    expect(logger.lines).toMatchObject([{ level: 'info', fields }]);
  });

  it('takes three seconds at most, and ends when it is aborted, which is not news', async () => {
    const { client, clock, logger } = createClient(hanging);
    const abort = new AbortController();
    const ended = client.validate(abort.signal);
    abort.abort();
    expect(await ended).toEqual({ kind: 'failed', reason: 'aborted' });
    const late = client.validate(signal);
    await clock.advance(2_999);
    expect(logger.lines).toHaveLength(1);
    await clock.advance(1);
    expect(await late).toEqual({ kind: 'failed', reason: 'timeout' });
    expect(logger.lines.map(({ level }) => level)).toEqual(['debug', 'info']);
  });
});

/** Never answers; ends as `fetch` does when it is aborted. */
const hanging: Fetch = (_url, init) =>
  new Promise((_, reject) => {
    init?.signal?.addEventListener('abort', () => reject(init.signal?.reason), { once: true });
  });

describe('list', () => {
  const query = { from: Date.UTC(2025, 0, 1), to: Date.UTC(2027, 0, 1) };

  it.each(['topups', 'items'] as const)('reads rows under the name %s', async (rowsName) => {
    const clock = new ManualClock();
    const simulator = createSimulator({ clock, rowsName });
    const ids = [1, 2, 3].map(() => simulator.addOrder({ plan: fulfilledAtOnce() }));
    const { client } = createClient(simulator.fetch, clock, simulator.apiKey);
    const answer = await client.list(query);
    if (answer.kind !== 'listed') throw new Error(answer.kind);
    expect(answer.rows).toBe(3);
    expect(answer.observations.map(({ orderId }) => orderId).sort()).toEqual([...ids].sort());
    expect(answer.observations[0]).toMatchObject({ upstreamStatus: 'FULFILLED' });
  });

  it('asks for the first hundred of the orders that were created in the window', async () => {
    const asked: URL[] = [];
    const { client } = createClient(async (url) => {
      asked.push(new URL(String(url)));
      return Response.json({ success: true, data: { topups: [] } });
    });
    await client.list(query);
    expect(asked.map(({ pathname }) => pathname)).toEqual(['/v3/internet/list']);
    expect(Object.fromEntries(asked[0]?.searchParams ?? [])).toEqual({
      page: '1',
      pageSize: '100',
      from: '2025-01-01T00:00:00.000Z',
      to: '2027-01-01T00:00:00.000Z',
    });
  });

  it('shows orders by their id as the gateway writes it, whatever the case', async () => {
    const client = answering({
      success: true,
      data: { topups: [{ _id: ORDER_ID.toUpperCase(), status: 'HANDLING' }] },
    });
    expect(await client.list(query)).toMatchObject({ observations: [{ orderId: ORDER_ID }] });
  });

  it('counts a row that it cannot read, and leaves it out', async () => {
    const client = answering({
      success: true,
      data: { topups: [{ _id: ORDER_ID, status: 'QUEUED' }, { status: 'QUEUED' }, null] },
    });
    expect(await client.list(query)).toMatchObject({ rows: 3, observations: [{}] });
  });

  it.each([200, 404, 503])('has failed where the upstream says so with %i', async (httpStatus) => {
    const body = { success: false, error: { code: 'INTERNAL_ERROR' } };
    const { client, logger } = createClient(async () =>
      Response.json(body, { status: httpStatus }),
    );
    const failed = { kind: 'failed', reason: 'http_status', httpStatus };
    expect(await client.list(query)).toEqual(failed);
    const fields = { operation: 'list', outcome: 'http_status', httpStatus };
    expect(logger.lines).toMatchObject([{ level: 'info', fields }]);
  });

  it.each([
    ['INSUFFICIENT_SCOPE', 403, { kind: 'failed', reason: 'forbidden', httpStatus: 403 }],
    ['API_DISABLED', 403, { kind: 'refused', httpStatus: 403, upstreamCode: 'API_DISABLED' }],
    ['INSUFFICIENT_SCOPE', 401, { kind: 'refused', httpStatus: 401 }],
    [undefined, 403, { kind: 'refused', httpStatus: 403, upstreamCode: undefined }],
  ])('that answers %s with %i says so of itself or of the key', async (code, status, expected) => {
    const client = answering({ success: false, error: { code } }, { status });
    expect(await client.list(query)).toMatchObject(expected);
    expect(await client.validate(new AbortController().signal)).toMatchObject(expected);
    expect(await client.check(ORDER_ID)).toMatchObject({ kind: 'refused', httpStatus: status });
  });

  it('calls another shape unreadable', async () => {
    const client = answering({ success: true, data: { orders: [] } });
    expect(await client.list(query)).toMatchObject({ kind: 'failed', reason: 'unreadable' });
  });
});
