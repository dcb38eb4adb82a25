import { once } from 'node:events';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { AskTopupDocument, FollowTopupDocument } from '../../schema/typed-documents.ts';
import type { Fault } from '../../src/simulator/faults.ts';
import { fulfilledAtOnce } from '../../src/simulator/life.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { type Ended, runGateway, startProcessGroup } from '../support/child-process.ts';
import {
  type GatewayOverSimulator,
  startGatewayOverSimulator,
} from '../support/gateway-over-simulator.ts';
import { startGatewayProcess, temporaryFolder } from '../support/gateway-process.ts';
import {
  type Addresses,
  ask,
  collect,
  type Follow,
  type Operation,
  overServerSentEvents,
  overWebSocket,
  post,
} from '../support/graphql-over-the-wire.ts';
import { ledLife } from '../support/led-life.ts';

describe.concurrent('a gateway that cannot start', () => {
  it('names every fault of its configuration at once, and ends with 78', async () => {
    const { code, stdout, stderr } = await runGateway({
      ONECLICKDZ_API_KEY: 'not a key 4711',
      ONECLICKDZ_BASE_URL: 'http://elsewhere.example',
      PORT: 'http',
      UPSTREAM_TIMEOUT_MS: '1e4',
      DATABASE_URL: 'postgres://user:secret@db/gateway',
      LOG_LEVEL: 'loud',
    });
    expect(code).toBe(78);
    expect(stdout).toBe('');
    const [head, ...faults] = stderr.trimEnd().split('\n');
    expect(head).toBe('topup-gateway: the configuration is wrong:');
    expect(faults.map((fault) => /^ {2}(\w+): expected .+; got .+$/.exec(fault)?.[1])).toEqual([
      'ONECLICKDZ_API_KEY',
      'ONECLICKDZ_BASE_URL',
      'UPSTREAM_TIMEOUT_MS',
      'PORT',
      'DATABASE_URL',
      'LOG_LEVEL',
    ]);
    expect(stderr).not.toContain('4711');
  });

  it('says that the port is in use', async () => {
    const other = createServer();
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const ended = await runGateway({ PORT: String(port), DATABASE_URL: 'file::memory:' });
    other.close();
    expectOneLine(ended, `127.0.0.1:${port} is in use by another program`);
  });

  it('says that its database lies below a file', async () => {
    await using folder = await temporaryFolder();
    await writeFile(`${folder.path}/file`, '');
    const ended = await runGateway({ DATABASE_URL: `file:${folder.path}/file/gateway.db` });
    expectOneLine(ended, `${folder.path}/file/gateway.db lies below a file`, 78);
  });

  it('says that its database is a folder', async () => {
    await using folder = await temporaryFolder();
    await mkdir(`${folder.path}/gateway.db`);
    const ended = await runGateway({ DATABASE_URL: `file:${folder.path}/gateway.db` });
    expectOneLine(ended, `${folder.path}/gateway.db is a folder`, 78);
  });

  it.each([
    ['file:gateway.db?mode=ro', 'DATABASE_URL takes no options'],
    ['file://server/gateway.db', 'DATABASE_URL names no file on this machine'],
    ['file: ', 'DATABASE_URL names no file'],
  ])('says that its database cannot be named so: %s', async (url, says) => {
    expectOneLine(await runGateway({ DATABASE_URL: url }), says, 78);
  });

  it('says that its database is none', async () => {
    await using folder = await temporaryFolder();
    await writeFile(`${folder.path}/gateway.db`, 'a text, and a long one at that. '.repeat(100));
    const ended = await runGateway({ DATABASE_URL: `file:${folder.path}/gateway.db` });
    expectOneLine(ended, `${folder.path}/gateway.db is not a SQLite database`, 78);
  });

  it('says that another gateway has its database', async () => {
    await using folder = await temporaryFolder();
    const environment = { DATABASE_URL: `file:${folder.path}/gateway.db` };
    await using _first = await startGatewayProcess(environment);
    expectOneLine(
      await runGateway(environment),
      `${folder.path}/gateway.db is in use by another gateway`,
    );
  });

  it('changes nothing in the database of a gateway that runs', async () => {
    await using folder = await temporaryFolder();
    const environment = { DATABASE_URL: `file:${folder.path}/gateway.db` };
    await using _first = await startGatewayProcess(environment);
    const database = new Database(`${folder.path}/gateway.db`, { readonly: true });
    // What rekey goes by: were it that of a gateway that did not start, the one that runs could not read its cards.
    const keys = database.prepare("SELECT value FROM notes WHERE name = 'card-keys'").pluck();
    const noted = keys.get();

    const second = { ...environment, CARD_CODE_KEYS: `new:${Buffer.alloc(32).toString('base64')}` };
    expect((await runGateway(second)).code).toBe(1);

    expect(noted).toBeTypeOf('string');
    expect(keys.get()).toBe(noted);
    database.close();
  });

  it('says that its database holds made-up orders, once it has a key', async () => {
    await using folder = await temporaryFolder();
    const environment = { DATABASE_URL: `file:${folder.path}/gateway.db` };
    const first = await startGatewayProcess(environment);
    expect(await first.end('SIGTERM')).toBe(0);
    expectOneLine(
      await runGateway({ ...environment, ONECLICKDZ_API_KEY: 'a-key' }),
      `file:${folder.path}/gateway.db holds orders of the simulator, and this gateway is to run on OneClickDz`,
      78,
    );
  });

  it('says that its database is of a newer version', async () => {
    await using folder = await temporaryFolder();
    const path = `${folder.path}/gateway.db`;
    const store = await openSqliteStore({ url: `file:${path}` });
    await store.close();
    const database = new Database(path);
    database
      .prepare('INSERT INTO __drizzle_migrations (hash, created_at) VALUES (?, ?)')
      .run('of tomorrow', Date.UTC(2099, 0, 1));
    database.close();
    expectOneLine(
      await runGateway({ DATABASE_URL: `file:${path}` }),
      `${path} was written by a newer version of the gateway: upgrade this one`,
    );
  });
});

describe.concurrent('npm start', () => {
  // A shell between them dies of the signal that npm passes on, and tells nobody.
  it.skipIf(process.platform === 'win32')(
    'leaves no gateway behind when npm is killed',
    async () => {
      await using npm = startProcessGroup(['npm', 'start'], {
        PORT: '0',
        DATABASE_URL: 'file::memory:',
      });
      const said: string[] = [];
      for await (const line of npm.lines) {
        said.push(line);
        if (line.includes('is up: open')) npm.signalAlone('SIGTERM');
      }
      expect(said.at(-1)).toMatch(/npm has ended.*shutting down/);
    },
  );

  it('comes up without a key: says so, and names orders to try and the address', async () => {
    await using folder = await temporaryFolder();
    await using npm = startProcessGroup(['npm', 'start'], {
      PORT: '0',
      DATABASE_URL: `file:${folder.path}/gateway.db`,
    });
    const said: string[] = [];
    let url = '';
    for await (const line of npm.lines) {
      said.push(line);
      url = /is up: open (http:[^"]+)/.exec(line)?.[1] ?? '';
      if (url !== '') break;
    }
    expect(said.join('\n')).toContain('no ONECLICKDZ_API_KEY: running on the built-in simulator');
    const ids = said.flatMap((line) => /try order ([\da-f]{24}): /.exec(line)?.[1] ?? []);
    expect(ids.length).toBeGreaterThanOrEqual(3);
    const [id] = ids;
    const { topup } = await ask({ url }, { document: AskTopupDocument, variables: { id } });
    expect(topup?.id).toBe(id);
    npm.signal('SIGTERM');
    await npm.ended;
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });
});

describe('a gateway that runs', () => {
  let stack: GatewayOverSimulator;
  let at: (path: string) => Promise<Response>;

  beforeAll(async () => {
    stack = await startGatewayOverSimulator({ LOG_LEVEL: 'trace' });
    at = (path) => fetch(new URL(path, stack.gateway.url));
  });

  afterAll(() => stack[Symbol.asyncDispose]());

  it('is live and ready', async () => {
    const live = await at('/health/live');
    expect([live.status, await live.json()]).toEqual([200, { status: 'live' }]);
    const ready = await at('/health/ready');
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready', problems: [] }]);
  });

  it('says nothing of its health at other addresses', async () => {
    expect((await at('/health')).status).toBe(404);
    expect((await at('/elsewhere/health')).status).toBe(404);
    const query = await at('/graphql?query={__typename}&from=/health');
    expect(await query.json()).toEqual({ data: { __typename: 'Query' } });
  });

  it('has nothing elsewhere, and leads a browser from its root to GraphiQL', async () => {
    expect((await at('/elsewhere')).status).toBe(404);
    const root = await fetch(new URL('/', stack.gateway.url), { redirect: 'manual' });
    expect([root.status, root.headers.get('location')]).toEqual([302, '/graphql']);
  });

  it('counts what it does, by the conventions of Prometheus', async () => {
    const life = ledLife();
    const id = stack.simulator.addOrder({ plan: life.plan });
    const operation = { document: FollowTopupDocument, variables: { id } };
    for await (const _ of overWebSocket(stack.gateway, operation)) life.goOn('FULFILLED');
    // The second has a number where the first, which is known by then, had a text.
    for (const asked of [id, 5]) {
      await post(stack.gateway, { document: AskTopupDocument, variables: { id: asked } });
    }
    const response = await at('/metrics');
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const metrics = parseMetrics(await response.text());
    expect(metrics.faults).toEqual([]);
    expect(metrics.families).toMatchObject({
      topup_gateway_upstream_calls_total: 'counter',
      topup_gateway_upstream_call_duration_seconds: 'histogram',
      topup_gateway_snapshots_total: 'counter',
      topup_gateway_lag_seconds: 'histogram',
      topup_gateway_events_sent_total: 'counter',
      topup_gateway_query_duration_seconds: 'histogram',
      topup_gateway_plans_given_up_total: 'counter',
      topup_gateway_orders_tracked: 'gauge',
      topup_gateway_orders_overdue: 'gauge',
      topup_gateway_orders_abandoned: 'gauge',
      topup_gateway_subscriptions: 'gauge',
      topup_gateway_budget_calls_left: 'gauge',
      topup_gateway_budget_calls_per_minute: 'gauge',
      topup_gateway_start_time_seconds: 'gauge',
      topup_gateway_upstream_serving: 'gauge',
      topup_gateway_upstream_state: 'gauge',
      topup_gateway_log_readable: 'gauge',
    });
    const { value } = metrics;
    expect(value('topup_gateway_upstream_serving')).toBe(1);
    expect(value('topup_gateway_upstream_state{state="SERVING"}')).toBe(1);
    expect(value('topup_gateway_upstream_state{state="REFUSED"}')).toBe(0);
    expect(value('topup_gateway_log_readable')).toBe(1);
    expect(value('topup_gateway_budget_calls_per_minute')).toBe(6_000);
    expect(value('topup_gateway_snapshots_total{status="FULFILLED"}')).toBeGreaterThanOrEqual(1);
    expect(value('topup_gateway_events_sent_total')).toBeGreaterThanOrEqual(2);
    expect(value('topup_gateway_plans_given_up_total{reason="unplanned"}')).toBe(1);
    expect(value('topup_gateway_lag_seconds_count')).toBeGreaterThanOrEqual(1);
    expect(
      value('topup_gateway_upstream_calls_total{operation="check-id",outcome="observed"}'),
    ).toBeGreaterThanOrEqual(2);
    const startedAgo = Date.now() / 1_000 - value('topup_gateway_start_time_seconds');
    expect(startedAgo).toBeGreaterThan(0);
    expect(startedAgo).toBeLessThan(600);
  });

  it('writes neither the key nor a card code to its log or its metrics', async () => {
    const { simulator, gateway } = stack;
    const id = simulator.addOrder({ plan: fulfilledAtOnce() });
    const variables = { id };
    const { topup } = await ask(gateway, { document: AskTopupDocument, variables });
    await collect(overWebSocket(gateway, { document: FollowTopupDocument, variables }));
    await post(gateway, { document: AskTopupDocument, variables: { id: `${topup?.cardCode}?` } });
    await post(gateway, { document: `{ topup(id: "${topup?.cardCode}" }` });
    const headers = { 'x-request-id': 'the-last-one' };
    await fetch(gateway.url, { headers, method: 'HEAD' });
    await gateway.line((line) => line.includes('the-last-one'));
    const written = [...gateway.lines, await (await at('/metrics')).text()].join('\n');
    expect(topup?.cardCode).toMatch(/^\d{12}$/);
    expect(written).toContain(id);
    expect(written).not.toContain(topup?.cardCode);
    expect(written).not.toContain(simulator.apiKey);
  });

  it('ends tidily at SIGINT', () => expectTidyEnd(stack, 'SIGINT'));
});

describe.concurrent('SIGTERM', () => {
  it('lets a query finish, sends subscribers off, and leaves one file', async () => {
    await using stack = await startGatewayOverSimulator();
    await expectTidyEnd(stack, 'SIGTERM');
  });
});

describe.concurrent('a gateway whose database is torn away', () => {
  let stack: GatewayOverSimulator;
  let id: string;

  beforeAll(async () => {
    stack = await startGatewayOverSimulator({ LOG_LEVEL: 'debug' });
    id = stack.simulator.addOrder({ plan: fulfilledAtOnce() });
    await ask(stack.gateway, { document: AskTopupDocument, variables: { id } });
    const database = new Database(stack.databasePath);
    database.pragma('foreign_keys = OFF');
    const tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
      .pluck()
      .all();
    for (const table of tables) database.exec(`DROP TABLE "${table}"`);
    database.close();
  });

  afterAll(() => stack[Symbol.asyncDispose]());

  const overHttp: Follow = async function* (gateway, operation) {
    yield (await post(gateway, operation)).body;
  };

  it.each([
    ['HTTP', overHttp, AskTopupDocument],
    ['server-sent events', overServerSentEvents, FollowTopupDocument],
    ['WebSocket', overWebSocket, FollowTopupDocument],
  ] as const)('tells nothing of it over %s', async (...[, follow, document]) => {
    const operation: Operation<unknown> = { document, variables: { id } };
    const [result] = await collect(follow(stack.gateway, operation));
    const { message, extensions } = result?.errors?.[0] ?? {};
    expect({ message, extensions }).toEqual({
      message: 'Internal server error.',
      extensions: { code: 'INTERNAL_SERVER_ERROR' },
    });
    expect(result?.errors).toHaveLength(1);
    const logged = await stack.gateway.line((line) => line.includes('failed inside the gateway'));
    expect(logged).not.toMatch(/select|insert|from /i);
  });

  it('is not ready, and says why', async () => {
    const response = await fetch(new URL('/health/ready', stack.gateway.url));
    expect([response.status, await response.json()]).toEqual([
      503,
      { status: 'not ready', problems: ['the snapshot log does not answer'] },
    ]);
    const logged = await stack.gateway.line((line) => line.includes('does not answer'));
    expect(logged).toContain('"code":"SQLITE_');
  });

  it('tells of it once, however many queries fail', async () => {
    const operation: Operation<unknown> = { document: AskTopupDocument, variables: { id } };
    for (let times = 0; times < 5; times += 1) await post(stack.gateway, operation);
    await fetch(stack.gateway.url, { headers: { 'x-request-id': 'after-five' }, method: 'HEAD' });
    await stack.gateway.line((line) => line.includes('after-five'));
    const told = stack.gateway.lines.filter((line) => line.includes('a request failed inside'));
    expect(told).toEqual([expect.stringContaining('"code":"SQLITE_ERROR"')]);
  });

  it('still counts what it does, and says in its metrics what is wrong', async () => {
    const response = await fetch(new URL('/metrics', stack.gateway.url));
    expect(response.status).toBe(200);
    const { value } = parseMetrics(await response.text());
    expect(value('topup_gateway_log_readable')).toBe(0);
    expect(value('topup_gateway_query_duration_seconds_count')).toBeGreaterThan(0);
    expect(value('topup_gateway_orders_overdue')).toBeNaN();
  });
});

describe.concurrent('a gateway whose database file is deleted', () => {
  it.skipIf(process.platform === 'win32')(
    'still answers, and says at each place for operators that a restart loses what it writes',
    async () => {
      await using stack = await startGatewayOverSimulator();
      const { simulator, gateway } = stack;
      await rm(stack.databasePath);
      const response = await fetch(new URL('/health/ready', gateway.url));
      expect([response.status, await response.json()]).toEqual([
        503,
        {
          status: 'not ready',
          problems: ['the file of the snapshot log was deleted or replaced; restart the gateway'],
        },
      ]);
      const line = await gateway.line((each) => each.includes('was deleted or replaced'));
      expect(line).toContain('"level":50');
      const metrics = await fetch(new URL('/metrics', gateway.url));
      expect(parseMetrics(await metrics.text()).value('topup_gateway_log_writable')).toBe(0);
      const variables = { id: simulator.addOrder({ plan: fulfilledAtOnce() }) };
      const { topup } = await ask(gateway, { document: AskTopupDocument, variables });
      expect(topup?.status).toBe('FULFILLED');
      expect(await gateway.end('SIGTERM')).toBe(0);
    },
  );
});

function expectOneLine({ code, stdout, stderr }: Ended, says: string, exitCode = 1): void {
  expect(code).toBe(exitCode);
  expect(stdout).toBe('');
  expect(stderr).toContain(`topup-gateway: ${says}`);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
}

/** Ends the gateway while a query is under way and subscribers are there, over each transport. */
async function expectTidyEnd(stack: GatewayOverSimulator, signal: NodeJS.Signals): Promise<void> {
  const { simulator, gateway } = stack;
  const followed = simulator.addOrder({ plan: ledLife().plan });
  const variables = { id: followed };
  const socket = await followRaw(gateway, { document: FollowTopupDocument, variables });
  const streams = await Promise.all(
    ['text/event-stream', '*/*'].map((accept) => stream(gateway, followed, accept)),
  );

  const id = simulator.addOrder({ plan: fulfilledAtOnce() });
  const { fault, begun } = slow({ orderId: id, delayMs: 1_000 });
  simulator.fail(fault);
  const query = ask(gateway, { document: AskTopupDocument, variables: { id } });
  await begun;
  const startedAt = performance.now();
  const ended = gateway.end(signal);

  expect((await query).topup).toMatchObject({ id, status: 'FULFILLED' });
  expect(await socket.closed).toBe(1001);
  for (const { ends } of streams) expect(await ends).toBe(true);
  expect(await ended).toBe(0);
  // Below the 10 s that a shutdown allows a query to take: nothing waits for subscribers.
  expect(performance.now() - startedAt).toBeLessThan(9_000);
  expect(await readdir(dirname(stack.databasePath))).toEqual([
    'gateway.db',
    'gateway.db.card-keys',
    'gateway.db.lock',
  ]);
  expect(gateway.lines.filter((line) => /"level":[56]0/.test(line))).toEqual([]);
}

/** A fault, and word of when the call that it befalls has come in. */
function slow(fault: { readonly orderId: string; readonly delayMs: number }) {
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  const announced: Fault = {
    fault: 'slow',
    orderId: fault.orderId,
    // Read when the simulator begins to wait.
    get delayMs() {
      resolve();
      return fault.delayMs;
    },
  };
  return { fault: announced, begun };
}

/** Follows over a socket of its own, from its first event on; `closed` is the code that it closes with. */
async function followRaw({ wsUrl }: Addresses, operation: Operation<unknown>) {
  const socket = new WebSocket(wsUrl, 'graphql-transport-ws');
  const closed = once(socket, 'close').then(([code]: unknown[]) => code);
  const event = Promise.withResolvers<void>();
  socket.on('message', (data) => {
    const { type } = JSON.parse(String(data));
    if (type === 'connection_ack') {
      const query = typeof operation.document === 'string' ? operation.document : FOLLOW;
      const payload = { query, variables: operation.variables };
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload }));
    }
    if (type === 'next') event.resolve();
  });
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init' }));
  await event.promise;
  return { closed };
}

const FOLLOW = 'subscription ($id: ID!) { topupStatus(id: $id) { version } }';

/** Follows as an event stream, from its first event on; `ends` is true once the stream is over. */
async function stream({ url }: Addresses, id: string, accept: string) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify({ query: FOLLOW, variables: { id } }),
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (let read = ''; !read.includes('event: next'); ) read += (await reader?.read())?.value ?? '';
  const toTheEnd = async () => {
    try {
      while (!(await reader?.read())?.done);
    } catch {
      // Cut off without an end of the body, which is an end all the same.
    }
    return true;
  };
  return { ends: toTheEnd() };
}

/** What a Prometheus text says, and what of it is against the conventions that `promtool check metrics` knows. */
function parseMetrics(text: string) {
  const values = new Map<string, number>();
  const families: Record<string, string> = {};
  const helped = new Set<string>();
  for (const line of text.split('\n')) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === 'HELP' && rest !== '') helped.add(name);
    if (kind === 'TYPE') families[name] = rest;
    const sample = /^([^#\s].*) (\S+)$/.exec(line);
    if (sample !== null) values.set(sample[1] ?? '', Number(sample[2]));
  }
  const ours = Object.entries(families).filter(([name]) => name.startsWith('topup_gateway_'));
  const faults = ours.flatMap(([name, type]) => [
    ...(helped.has(name) ? [] : [`${name} has no help`]),
    ...(name.endsWith('_total') === (type === 'counter') ? [] : [`${name} is a ${type}`]),
    ...(/_(ms|milliseconds|minutes|kb|mb)$/.test(name) ? [`${name} has no base unit`] : []),
    ...(type === 'histogram' && !name.endsWith('_seconds') ? [`${name} has no unit`] : []),
  ]);
  return { families, faults, value: (sample: string) => values.get(sample) ?? Number.NaN };
}
