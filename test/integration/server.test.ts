import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { encodeCursor } from '../../src/core/cursor.ts';
import { viewOf } from '../../src/core/view.ts';
import { CountingWatch } from '../support/counting-watch.ts';
import { collect, overWebSocket } from '../support/graphql-over-the-wire.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { ORDER_ID, observation } from '../support/observations.ts';
import { HANDSHAKE, RawWebSocket } from '../support/raw-web-socket.ts';
import { serve } from '../support/serving.ts';

const OTHER_ID = 'f'.repeat(24);
const cursorAt = (version: number) => encodeCursor({ logId: 'log', version });
const ORIGINS = ['https://one.example', 'https://two.example'];

describe('a page of another origin', () => {
  const headersFor = async (origin: string, method: 'POST' | 'OPTIONS') => {
    await using server = await serve(createMemoryStore(), { allowedOrigins: ORIGINS });
    const response = await fetch(server.url, {
      method,
      headers: {
        origin,
        'content-type': 'application/json',
        'access-control-request-method': 'POST',
      },
      body: method === 'POST' ? '{"query":"{__typename}"}' : null,
    });
    await response.text();
    return response.headers;
  };
  const originAllowedFor = async (origin: string, method: 'POST' | 'OPTIONS') =>
    (await headersFor(origin, method)).get('access-control-allow-origin');

  it.each(ORIGINS)('may use the gateway where it is named: %s', async (origin) => {
    expect(await originAllowedFor(origin, 'POST')).toBe(origin);
    expect(await originAllowedFor(origin, 'OPTIONS')).toBe(origin);
  });

  it.each([
    [
      'asks',
      (url: URL) => fetch(url, { method: 'OPTIONS', headers: { origin: 'https://other.example' } }),
    ],
    [
      'opens a WebSocket',
      ({ port }: URL) =>
        once(
          connect({ port: Number(port) }).end(
            HANDSHAKE.replace('\r\n', '\r\nOrigin: https://other.example\r\n'),
          ),
          'data',
        ),
    ],
  ])('is named in the log, once in ten minutes, if it is not allowed and %s', async (_, come) => {
    const clock = new ManualClock();
    await using server = await serve(createMemoryStore(), { allowedOrigins: ORIGINS, clock });
    for (let nth = 0; nth < 3; nth += 1) await come(server.url);
    await clock.advance(600_000);
    await come(server.url);
    const told = server.logger.lines.filter(({ message }) => message.includes('ALLOWED_ORIGINS'));
    expect(told.map(({ level, fields }) => ({ level, ...fields }))).toEqual([
      { level: 'warn', origin: 'https://other.example', times: 1 },
      { level: 'warn', origin: 'https://other.example', times: 3 },
    ]);
  });

  it('need not ask again before each query whether it may', async () => {
    const [origin = ''] = ORIGINS;
    expect((await headersFor(origin, 'OPTIONS')).get('access-control-max-age')).toBe('600');
    expect((await headersFor(origin, 'POST')).get('access-control-max-age')).toBeNull();
  });

  it('may read the id of its request, and when to try again', async () => {
    const [origin = ''] = ORIGINS;
    const exposed = (await headersFor(origin, 'POST')).get('access-control-expose-headers');
    expect(exposed?.split(/, */)).toEqual(['x-request-id', 'retry-after']);
  });

  it.each(['https://evil.example', 'null'])('may not where it is not: %s', async (origin) => {
    expect(await originAllowedFor(origin, 'POST')).toBeNull();
    expect(await originAllowedFor(origin, 'OPTIONS')).toBeNull();
  });
});

it.each([
  ['{ __typename }', 'application/json'],
  ['{ nonsense }', 'application/json'],
  ['{ __typename }', 'text/event-stream'],
  [`subscription { topupStatus(id: "${ORDER_ID}") { cardCode } }`, 'text/event-stream'],
])('no HTTP cache keeps what is answered: %s as %s', async (query, accept) => {
  const store = createMemoryStore();
  await store.record(observation({ upstreamStatus: 'FULFILLED' }), () => null);
  await using server = await serve(store);
  const url = `${server.url}?query=${encodeURIComponent(query)}`;
  for (const _time of ['new', 'known']) {
    const response = await fetch(url, { headers: { accept } });
    await response.text();
    expect(response.headers.get('cache-control')).toBe('no-store');
  }
});

it.each([
  ['longer than proxies keep theirs, behind one', 1, 'timeout=125'],
  ['five seconds otherwise', 0, 'timeout=5'],
])('an idle connection stays open for %s', async (_, trustedProxies, told) => {
  await using server = await serve(createMemoryStore(), { limits: { trustedProxies } });
  const response = await fetch(new URL('/health/live', server.url));
  await response.text();
  expect(response.headers.get('keep-alive')).toBe(told);
});

it('a client that keeps its half of a refused upgrade open does not keep the server', async () => {
  const server = await serve(createMemoryStore());
  const socket = connect({ port: Number(server.url.port), allowHalfOpen: true });
  socket.write(
    'GET /nope HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  );
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1.1 404 /);
  await server[Symbol.asyncDispose]();
  socket.destroy();
});

const TUNNEL = 'CONNECT elsewhere:1 HTTP/1.1\r\nHost: localhost\r\n\r\n';

describe('requests that wait for an earlier one on their connection', () => {
  const ask = (query: string) =>
    `GET /graphql?query=${encodeURIComponent(query)} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`;
  const follow = (id: string) => ask(`subscription { topupStatus(id: "${id}") { status } }`);

  it.each([
    ['becomes a WebSocket', HANDSHAKE],
    ['would become a tunnel', TUNNEL],
  ])('are given up with it, also where it %s', async (_name, last) => {
    const store = createMemoryStore();
    await store.record(observation(), () => null);
    await store.record(observation({ orderId: OTHER_ID }), () => null);
    const watch = new CountingWatch();
    // Time stands still: a shutdown would wait for whatever is forgotten.
    const server = await serve(store, { watch, clock: new ManualClock() });
    const socket = connect({ host: '127.0.0.1', port: Number(server.url.port) });
    socket.write(follow(ORDER_ID) + follow(OTHER_ID) + ask('{ __typename }'));
    // The other one would begin once this one is over.
    await expect.poll(() => watch.watching).toBe(1);
    socket.write(last);
    const answered = new Promise<void>((resolve) => {
      socket.on('data', (told) => String(told).includes('HTTP/1.1 101') && resolve());
      socket.on('close', () => resolve());
    });
    await answered;
    socket.destroy();
    await expect.poll(() => watch.watching).toBe(0);
    await server[Symbol.asyncDispose]();
  });

  it('are few: one more than may wait, and the connection is closed', async () => {
    const store = createMemoryStore();
    await store.record(observation(), () => null);
    const watch = new CountingWatch();
    await using server = await serve(store, { watch, clock: new ManualClock() });
    const socket = connect({ host: '127.0.0.1', port: Number(server.url.port) });
    socket.on('error', () => undefined);
    socket.write(follow(ORDER_ID) + ask('{ __typename }').repeat(16));
    await expect.poll(() => watch.watching).toBe(1);
    expect(server.refusals).toEqual([]);
    socket.write(ask('{ __typename }').repeat(5));
    await new Promise<void>((resolve) => socket.resume().once('close', () => resolve()));
    await expect.poll(() => watch.watching).toBe(0);
    expect(server.refusals).toEqual(['pipelined']);
  });

  it('are answered one after another, in their order', async () => {
    await using server = await serve(createMemoryStore());
    const socket = connect({ host: '127.0.0.1', port: Number(server.url.port) });
    const names = Array.from({ length: 17 }, (_, n) => `a${n}`);
    socket.write(names.map((name) => ask(`{ ${name}: __typename }`)).join(''));
    let answered = '';
    socket.on('data', (told) => {
      answered += told;
    });
    const inOrder = () => [...answered.matchAll(/"(a\d+)":"Query"/g)].map(([, name]) => name);
    await expect.poll(inOrder).toEqual(names);
    // Those that have been answered wait no longer.
    socket.write(names.map((name) => ask(`{ ${name}: __typename }`)).join(''));
    await expect.poll(inOrder).toEqual([...names, ...names]);
    socket.destroy();
  });
});

it('a page of no entries is empty from either end', async () => {
  const store = createMemoryStore();
  const { order } = await store.record(observation(), () => null);
  const topups = { lookup: async () => viewOf(order, order.checkedAt) };
  await using server = await serve(store, { topups });
  for (const page of ['first: 0', 'last: 0']) {
    const query = `{ topup(id: "${ORDER_ID}") { history(${page}) { edges { cursor } } } }`;
    const response = await fetch(`${server.url}?query=${encodeURIComponent(query)}`);
    expect(await response.json()).toEqual({ data: { topup: { history: { edges: [] } } } });
  }
});

it.each([
  ['from the start', 'first: 2'],
  ['from the end', 'last: 2'],
  ['after a cursor that nothing is left before', `first: 2, after: "${cursorAt(0)}"`],
  ['before a cursor that nothing comes after', `last: 2, before: "${cursorAt(3)}"`],
])('a page that holds just what there is says that nothing is beyond it: %s', async (_, page) => {
  const store = createMemoryStore({ logId: 'log' });
  await store.record(observation(), () => null);
  const { order } = await store.record(observation({ upstreamStatus: 'FULFILLED' }), () => null);
  const topups = { lookup: async () => viewOf(order, order.checkedAt) };
  await using server = await serve(store, { topups });
  const query = `{ topup(id: "${ORDER_ID}") { history(${page}) { edges { node { version } } pageInfo { hasNextPage hasPreviousPage } } } }`;
  const response = await fetch(`${server.url}?query=${encodeURIComponent(query)}`);
  const edges = [{ node: { version: 1 } }, { node: { version: 2 } }];
  const pageInfo = { hasNextPage: false, hasPreviousPage: false };
  expect(await response.json()).toEqual({ data: { topup: { history: { edges, pageInfo } } } });
});

it('a card that no key opens is said to be unreadable, to the operator too, and hides nothing else', async () => {
  const store = createMemoryStore();
  const { order } = await store.record(observation({ upstreamStatus: 'FULFILLED' }), () => null);
  const latest = { ...order.latest, isCardUnreadable: true as const };
  const topups = { lookup: async () => viewOf({ ...order, latest }, order.checkedAt) };
  await using server = await serve(store, { topups });
  const query = `{ topup(id: "${ORDER_ID}") { status cardCode } }`;
  // Also where the operation is known.
  for (let time = 0; time < 3; time += 1) {
    const response = await fetch(`${server.url}?query=${encodeURIComponent(query)}`);
    expect(await response.json()).toMatchObject({
      data: { topup: { status: 'FULFILLED', cardCode: null } },
      errors: [
        {
          message: expect.stringContaining('CARD_CODE_KEYS'),
          path: ['topup', 'cardCode'],
          extensions: { code: 'INTERNAL_SERVER_ERROR' },
        },
      ],
    });
  }
  const message = expect.stringContaining('CARD_CODE_KEYS');
  expect(server.logger.lines).toContainEqual({ level: 'error', fields: {}, message });
});

it('the next check is not said to come before calls resume', async () => {
  const store = createMemoryStore();
  const { order } = await store.record(observation(), () => Date.now());
  const topups = { lookup: async () => viewOf(order, Date.now()) };
  let resumesAt: number | null = Date.UTC(2100, 0, 1);
  await using gateway = await serve(store, { topups, callsResumeAt: () => resumesAt });
  const nextCheckAt = async () => {
    const query = `{ topup(id: "${ORDER_ID}") { nextCheckAt } }`;
    const response = await fetch(`${gateway.url.href}?${new URLSearchParams({ query })}`);
    const { data } = (await response.json()) as { data: { topup: { nextCheckAt: string } } };
    return data.topup.nextCheckAt;
  };
  for (const _ of ['asked', 'asked again', 'perhaps remembered']) {
    expect(await nextCheckAt()).toBe('2100-01-01T00:00:00.000Z');
  }
  resumesAt = null;
  expect(Date.parse(await nextCheckAt())).toBeLessThanOrEqual(Date.now());
});

describe('a request with a fault is told what is wrong with it', () => {
  const post = async (contentType: string, request: object, accept = 'application/json') => {
    await using server = await serve(createMemoryStore());
    const response = await fetch(server.url, {
      method: 'POST',
      headers: { accept, 'content-type': contentType },
      body: JSON.stringify(request),
    });
    const { errors = [] } = JSON.parse((await response.text()) || '{}');
    const [{ message, extensions } = { message: undefined, extensions: {} }] = errors;
    return { status: response.status, message, code: extensions.code };
  };

  it.each([
    ['{"id":null}', 'Variable "$id" has invalid value: Expected value of non-null type "ID!" not'],
    ['{"ID":"1"}', 'Variable "$id" has invalid value: Expected a value of non-null type "ID!"'],
    ['{"id":"1","maxAge":"5"}', 'Variable "$maxAge" has invalid value: Int cannot represent'],
  ])('which variable it is: %s', async (variables, message) => {
    const query = 'query ($id: ID!, $maxAge: Int) { topup(id: $id, maxAge: $maxAge) { status } }';
    const request = { query, variables: JSON.parse(variables) };
    const told = { message: expect.stringContaining(message), code: 'BAD_USER_INPUT' };
    expect(await post('application/json', request)).toEqual({ status: 200, ...told });
    // What this media type requires of an answer without data.
    expect(await post('application/json', request, 'application/graphql-response+json')).toEqual({
      status: 400,
      ...told,
    });
  });

  // What `fetch` sends for a text without a `content-type`.
  it('that its body is not said to be JSON', async () => {
    expect(await post('text/plain;charset=UTF-8', { query: '{ __typename }' })).toEqual({
      status: 415,
      message: 'Send the body as JSON, with the header `content-type: application/json`.',
      code: 'BAD_USER_INPUT',
    });
  });

  // What Apollo and urql look for: from then on they send texts.
  it('that its operation is not known by a hash', async () => {
    const extensions = { persistedQuery: { version: 1, sha256Hash: 'f'.repeat(64) } };
    expect(await post('application/json', { extensions })).toMatchObject({
      message: 'PersistedQueryNotSupported',
      code: 'BAD_USER_INPUT',
    });
  });

  it('that its operation is not known by a hash, over a WebSocket as well', async () => {
    await using server = await serve(createMemoryStore());
    const socket = new WebSocket(server.url.href.replace('http', 'ws'), 'graphql-transport-ws');
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init' }));
    await once(socket, 'message');
    const extensions = { persistedQuery: { version: 1, sha256Hash: 'f'.repeat(64) } };
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: '', extensions } }));
    expect(JSON.parse(String((await once(socket, 'message'))[0]))).toMatchObject({
      type: 'error',
      payload: [{ message: 'PersistedQueryNotSupported', extensions: { code: 'BAD_USER_INPUT' } }],
    });
    socket.close();
  });

  it('that it does not accept the events that it asks for', async () => {
    const query = `subscription { topupStatus(id: "${ORDER_ID}") { status } }`;
    expect(await post('application/json', { query })).toEqual({
      status: 406,
      message:
        'A subscription is served to a client that accepts `text/event-stream`, or over WebSocket.',
      code: 'BAD_USER_INPUT',
    });
  });
});

describe('of two operations in one text, over a WebSocket', () => {
  const document = `
    query Q { __typename }
    subscription S { topupStatus(id: "${ORDER_ID}") { version } }`;
  const answersTo = async (operationName: string) => {
    const store = createMemoryStore();
    await store.record(observation({ upstreamStatus: 'REFUNDED' }), () => null);
    await using server = await serve(store);
    const url = server.url.href;
    const operation = { document, operationName };
    return await collect(overWebSocket({ url, wsUrl: url.replace('http', 'ws') }, operation));
  };

  it.each([
    ['Q', { __typename: 'Query' }],
    ['S', { topupStatus: { version: 1 } }],
  ])('the one that is named is run: %s', async (name, data) => {
    expect(await answersTo(name)).toEqual([{ data }]);
  });

  it('none is run by another name, which is said to be a fault of the request', async () => {
    expect(await answersTo('Nope')).toMatchObject([
      { errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] },
    ]);
  });
});

it('a shutdown tells sockets to come back, and cuts off those that do not close', async () => {
  const clock = new ManualClock();
  const server = await serve(createMemoryStore(), { clock });
  const client = await RawWebSocket.open(Number(server.url.port));
  const polite = new WebSocket(server.url.href.replace('http', 'ws'), 'graphql-transport-ws');
  await once(polite, 'open');
  const left = once(polite, 'close');
  const cutOff = once(client.socket, 'close');
  const closed = server[Symbol.asyncDispose]();
  expect(await client.closeCode()).toBe(1_001);
  expect((await left)[0]).toBe(1_001);
  await clock.advance(1_000);
  await Promise.all([cutOff, closed]);
});

it('what cannot be answered is a fault of the gateway, of which only the log tells', async () => {
  const scrape = () => Promise.reject(new Error('/data/gateway.db: disk I/O error'));
  await using server = await serve(createMemoryStore(), { scrape });
  const response = await fetch(new URL('/metrics', server.url));
  expect([response.status, await response.json()]).toEqual([500, { status: 'error' }]);
  expect(server.logger.lines).toContainEqual(
    expect.objectContaining({ level: 'error', message: 'a request could not be answered' }),
  );
});
