import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { parseSimulatorConfig } from '../../src/simulator/config.ts';
import { startSimulatorServer } from '../../src/simulator/server.ts';
import { createSimulator } from '../../src/simulator/simulator.ts';

async function setUp() {
  const simulator = createSimulator();
  const server = await startSimulatorServer(simulator, { port: 0 });
  const headers = { 'x-access-token': simulator.apiKey };
  const get = (path: string, init: RequestInit = {}) =>
    fetch(`${server.url}${path}`, { headers, ...init });
  const post = (path: string, body: unknown) =>
    fetch(`${server.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  return { simulator, server, get, post, [Symbol.asyncDispose]: server.close };
}

/** The condition must come about by itself, through sockets that no manual clock moves. */
async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { interval: 5 }).toBe(true);
}

test('orders are added, asked for and counted over HTTP', async () => {
  await using world = await setUp();
  const life = [{ afterMs: 0, status: 'QUEUED' }];
  const added = await world.post('/simulator/orders', { life, amount: 500 });
  const { id } = (await added.json()) as { id: string };
  expect(added.status).toBe(201);
  const checked = await world.get(`/v3/internet/check-id/${id}`);
  expect(await checked.json()).toMatchObject({ data: { status: 'QUEUED', topup_amount: 500 } });
  const order = { type: 'ADSL', number: '036362608', value: 1_000 };
  expect((await world.post('/v3/internet/send', order)).status).toBe(200);

  const calls = await world.get('/simulator/calls');
  expect(await calls.json()).toEqual({
    total: 2,
    inFlight: 0,
    byOperation: { 'check-id': 1, send: 1 },
    byOutcome: { '200': 2 },
  });
  const ofOne = await world.get(`/simulator/calls?orderId=${id}`);
  expect(await ofOne.json()).toEqual({ total: 1, mostAtOnce: 1 });
});

test('faults are set and taken away over HTTP', async () => {
  await using world = await setUp();
  const set = await world.post('/simulator/faults', { fault: 'throttled', retryAfterSeconds: 7 });
  expect(set.status).toBe(201);
  const throttled = await world.get('/v3/validate');
  expect([throttled.status, throttled.headers.get('retry-after')]).toEqual([429, '7']);
  expect((await world.get('/simulator/faults', { method: 'DELETE' })).status).toBe(204);
  expect((await world.get('/v3/validate')).status).toBe(200);
});

test.each([
  ['/simulator/orders', { life: 'unheard-of' }],
  ['/simulator/orders', { life: [] }],
  ['/simulator/orders', { life: [{ afterMs: 5, status: 'HANDLING' }] }],
  ['/simulator/faults', { fault: 'unheard-of' }],
  ['/simulator/faults', { fault: 'html', tmes: 1 }],
])('%s refuses %j', async (path, body) => {
  await using world = await setUp();
  const refused = await world.post(path, body);
  expect(refused.status).toBe(400);
  expect(await refused.json()).toEqual({ error: expect.any(String) });
});

test('a broken connection is broken', async () => {
  await using world = await setUp();
  world.simulator.fail({ fault: 'connectionReset', times: 1 });
  await expect(world.get('/v3/validate')).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
  expect((await world.get('/v3/validate')).status).toBe(200);
});

test('a caller that leaves ends the call', async () => {
  await using world = await setUp();
  world.simulator.fail({ fault: 'hang' });
  const abort = new AbortController();
  const answer = world.get('/v3/validate', { signal: abort.signal });
  answer.catch(() => {});
  await until(() => world.simulator.calls.inFlight === 1);
  abort.abort();
  await until(() => world.simulator.calls.inFlight === 0);
});

test('a body of 50 MB comes whole, with its length announced, and may be left early', async () => {
  await using world = await setUp();
  world.simulator.fail({ fault: 'tooLarge', announced: true });
  const whole = await world.get('/v3/validate');
  expect(whole.headers.get('content-length')).toBe('50000000');
  expect((await whole.arrayBuffer()).byteLength).toBe(50_000_000);
  const left = await world.get('/v3/validate');
  await left.body?.cancel();
});

test('the configuration has defaults, and an empty value counts as none', () => {
  expect(parseSimulatorConfig({ SIMULATOR_PORT: '' })).toMatchInlineSnapshot(`
    {
      "config": {
        "apiKey": "5a9db0c5-0000-4000-8000-000000000000",
        "callsPerMinute": 120,
        "port": 4100,
        "seed": 1,
      },
      "ok": true,
    }
  `);
});

test('all faults of the configuration are told at once, and no key is repeated', () => {
  const env = {
    SIMULATOR_PORT: '65536',
    SIMULATOR_API_KEY: 'my secret',
    SIMULATOR_SEED: '1e3',
    SIMULATOR_CALLS_PER_MINUTE: '0',
  };
  expect(parseSimulatorConfig(env)).toMatchInlineSnapshot(`
    {
      "faults": [
        "SIMULATOR_PORT: expected a port from 0 (any that is free) to 65535, got "65536"",
        "SIMULATOR_API_KEY: expected a key of printable characters, without blanks, got something else",
        "SIMULATOR_SEED: expected a whole number from 0 to 4294967295, got "1e3"",
        "SIMULATOR_CALLS_PER_MINUTE: expected a whole number from 1 to 1000000, got "0"",
      ],
      "ok": false,
    }
  `);
});

function start(env: Record<string, string>) {
  return spawn(process.execPath, ['src/simulator/main.ts'], { env, stdio: 'pipe' });
}

test('the process says where it is, and ends well when told to', async () => {
  const child = start({ SIMULATOR_PORT: '0', SIMULATOR_API_KEY: 'some-key' });
  const [output] = await once(child.stdout, 'data');
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(String(output))?.[0];
  expect(String(output)).toContain('key some-key');
  expect(String(output)).toContain('6901616fe9e88196b4eb64b1  fulfilled after 30 s');
  const headers = { 'x-access-token': 'some-key' };
  expect((await fetch(`${url}/v3/validate`, { headers })).status).toBe(200);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test('the process refuses a port in use and a bad configuration, each with its exit code', async () => {
  await using world = await setUp();
  const inUse = start({ SIMULATOR_PORT: String(world.server.port) });
  const [said, [exitCode]] = await Promise.all([text(inUse.stderr), once(inUse, 'exit')]);
  expect([exitCode, said]).toEqual([1, expect.stringMatching(/^Port \d+ is in use: .*\n$/)]);

  const faulty = start({ SIMULATOR_PORT: 'x', SIMULATOR_SEED: 'y' });
  const [faults, [faultyCode]] = await Promise.all([text(faulty.stderr), once(faulty, 'exit')]);
  expect([faultyCode, faults.trim().split('\n').length]).toEqual([78, 2]);
});
