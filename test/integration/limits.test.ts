import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { getIntrospectionQuery } from 'graphql';
import { describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { viewOf } from '../../src/core/view.ts';
import { TrustedDocuments } from '../../src/limits/trusted-documents.ts';
import {
  collect,
  overServerSentEvents,
  overWebSocket,
  post,
} from '../support/graphql-over-the-wire.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { ORDER_ID, observation } from '../support/observations.ts';
import { PING, RawWebSocket } from '../support/raw-web-socket.ts';
import { type Serving, serve } from '../support/serving.ts';

const addressesOf = ({ url }: Serving) => ({
  url: url.href,
  wsUrl: url.href.replace('http', 'ws'),
});

const LIMIT_EXCEEDED = { extensions: { code: 'LIMIT_EXCEEDED' } };

const ALL_FIELDS =
  'ref type number amount status upstreamStatus isFinal cardCode transactionNumber processedAt refundMessage createdAt version cursor observedAt';

/** Fragments of which each spreads the next one twice: 2^60 fields in 800 tokens. */
const FRAGMENT_BOMB = `{ topup(id: "a") { ...F0 } } ${Array.from(
  { length: 60 },
  (_, n) => `fragment F${n} on Topup { ...F${n + 1} ...F${n + 1} }`,
).join(' ')} fragment F60 on Topup { id }`;

const nested = (depth: number) => `{ ${'a { '.repeat(depth - 1)} a ${'} '.repeat(depth - 1)} }`;

const aliases = (count: number) =>
  `{ ${Array.from({ length: count }, (_, n) => `a${n}: topup(id: "${n}") { id }`).join(' ')} }`;

const TOO_MUCH = [
  ['tokens', `{ ${'id '.repeat(1_000)} }`],
  ['depth', nested(17)],
  ['aliases', aliases(31)],
  [
    'aliases',
    '{ topup(id: "a") { ...F ...F ...F ...F } } fragment F on Topup { a: id b: id c: id d: id e: id f: id g: id h: id }',
  ],
  ['cost', FRAGMENT_BOMB],
  // Nobody spreads it: for the rules that would say so it is refused all the same.
  ['cost', FRAGMENT_BOMB.replace(/^.*? fragment/, '{ __typename } fragment')],
  [
    'cost',
    `{ topup(id: "a") { history(first: 100) { edges { node { ${ALL_FIELDS} } } } b: history(last: 100) { edges { node { ${ALL_FIELDS} } } } c: history(last: 100) { edges { node { ${ALL_FIELDS} } } } } }`,
  ],
  [
    'cost',
    `{ topups(ids: [${Array.from({ length: 100 }, (_, n) => `"${n}"`)}]) { history { edges { cursor } } } }`,
  ],
  ['directives', `{ ${'gateway { overdue @include(if: true) } '.repeat(51)} }`],
  ['introspection', `{ __schema { ${'types { fields { name } } '.repeat(11)} } }`],
] as const;

const overHttp: typeof overWebSocket = async function* (gateway, operation) {
  yield (await post(gateway, operation)).body;
};

describe.each([
  ['HTTP', overHttp],
  ['server-sent events', overServerSentEvents],
  ['WebSocket', overWebSocket],
] as const)('over %s', (_, transport) => {
  it.each(TOO_MUCH)('refuses too many or too much: %s', async (limit, document) => {
    await using server = await serve(createMemoryStore());
    const results = await collect(transport(addressesOf(server), { document }));
    expect(results).toEqual([
      expect.objectContaining({ errors: [expect.objectContaining(LIMIT_EXCEEDED)] }),
    ]);
    expect(server.refusals).toEqual([limit]);
  });

  it('counts what the variables say', async () => {
    await using server = await serve(createMemoryStore());
    const document = `query ($ids: [ID!]!) { topups(ids: $ids) { ${ALL_FIELDS} } }`;
    const ask = (length: number) =>
      collect(
        transport(addressesOf(server), { document, variables: { ids: Array(length).fill('a') } }),
      );
    expect(await ask(100)).toMatchObject([{ data: { topups: Array(100).fill(null) } }]);
    expect(await ask(1_000)).toMatchObject([{ errors: [LIMIT_EXCEEDED] }]);
    // The outcome of one is not remembered for the other.
    expect(await ask(1)).toMatchObject([{ data: { topups: [null] } }]);
    expect(server.refusals).toEqual(['cost']);
  });

  it('tells at most ten of the faults of a document, or of its variables', async () => {
    await using server = await serve(createMemoryStore());
    const faulty = { document: `{ ${Array.from({ length: 90 }, (_, n) => `f${n}`).join(' ')} }` };
    const [first] = await collect(transport(addressesOf(server), faulty));
    expect(first?.errors).toHaveLength(10);
    const [second] = await collect(
      transport(addressesOf(server), {
        document: 'query ($ids: [ID!]!) { topups(ids: $ids) { id } }',
        variables: { ids: Array(1_000).fill({}) },
      }),
    );
    expect(second?.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  });

  it('does not tell its schema where it is not to', async () => {
    await using server = await serve(createMemoryStore(), { limits: { introspection: false } });
    for (const document of [
      getIntrospectionQuery(),
      '{ ...F } fragment F on Query { __type(name: "Topup") { name } }',
    ]) {
      const [result] = await collect(transport(addressesOf(server), { document }));
      expect(result).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
    }
    const document = '{ topup(id: "a") { __typename } }';
    expect(await collect(transport(addressesOf(server), { document }))).toEqual([
      { data: { topup: null } },
    ]);
    expect(server.refusals).toEqual(['introspection', 'introspection']);
  });
});

describe.each([
  ['server-sent events', overServerSentEvents],
  ['WebSocket', overWebSocket],
] as const)('a subscription over %s', (_, transport) => {
  it('is refused where it costs too much, or its variables are wrong, each time', async () => {
    const store = createMemoryStore();
    await store.record(observation({ upstreamStatus: 'FULFILLED' }), () => null);
    await using server = await serve(store, { limits: { queryCost: 10 } });
    const follow = (variables: Record<string, unknown>, fields = 'status version') => {
      const document = `subscription ($id: ID!) { topupStatus(id: $id) { ${fields} } }`;
      return collect(transport(addressesOf(server), { document, variables }));
    };
    const id = ORDER_ID;
    for (let time = 0; time < 2; time += 1) {
      expect(await follow({ id })).toEqual([
        { data: { topupStatus: { status: 'FULFILLED', version: 1 } } },
      ]);
      const costly = 'history(first: 100) { edges { cursor } }';
      expect(await follow({ id }, costly)).toMatchObject([{ errors: [LIMIT_EXCEEDED] }]);
      for (const wrong of [{}, { id: null }, { id: [id] }, { id: true }]) {
        expect(await follow(wrong)).toMatchObject([
          { errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] },
        ]);
      }
    }
    expect(server.refusals).toEqual(['cost', 'cost']);
  });
});

describe('what clients need', () => {
  it.each([
    [
      'the whole schema, as GraphiQL asks for it',
      getIntrospectionQuery({
        schemaDescription: true,
        inputValueDeprecation: true,
        specifiedByUrl: true,
        directiveIsRepeatable: true,
        oneOf: true,
      }),
    ],
    [
      'a hundred entries of a history, whole',
      `{ topup(id: "${ORDER_ID}") { id checkedAt ${ALL_FIELDS} history(first: 100) { edges { cursor node { ${ALL_FIELDS} } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`,
    ],
  ])('is within the limits: %s', async (_, document) => {
    const store = createMemoryStore();
    const { order } = await store.record(observation(), () => null);
    const topups = { lookup: async () => viewOf(order, order.checkedAt) };
    await using server = await serve(store, { topups });
    const { body } = await post(addressesOf(server), { document });
    expect(body.errors).toBeUndefined();
    expect(server.refusals).toEqual([]);
  });
});

it('a cycle of fragments is refused, whatever else it holds', async () => {
  await using server = await serve(createMemoryStore());
  const document =
    '{ topup(id: "a") { ...A } } fragment A on Topup { ...B ...B } fragment B on Topup { ...A ...A }';
  const { body } = await post(addressesOf(server), { document });
  expect(body.errors?.[0]).toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } });
});

it('takes one operation to a request', async () => {
  await using server = await serve(createMemoryStore());
  const response = await fetch(server.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '[{"query":"{__typename}"},{"query":"{__typename}"}]',
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ errors: [LIMIT_EXCEEDED] });
  expect(server.refusals).toEqual(['batch']);
});

describe('a body', () => {
  const LIMIT = 2_000;

  /** Sends a head and then so many bytes, without an end; resolves with the answer, once the server has closed. */
  async function send({ url }: Serving, head: string, bytes: number) {
    const socket = connect({ port: Number(url.port) });
    socket.on('error', () => undefined);
    socket.write(
      `POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${head}\r\n\r\n`,
    );
    if (bytes > 0) socket.write(`${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n`);
    let answer = '';
    for await (const chunk of socket) answer += chunk;
    return answer;
  }

  it.each([
    ['by its length, before it is sent', `Content-Length: ${LIMIT + 1}`, 0],
    ['by what came of it, where it tells no length', 'Transfer-Encoding: chunked', LIMIT + 1],
  ])('that is too large is refused %s', async (_, head, bytes) => {
    await using server = await serve(createMemoryStore(), { limits: { bodyBytes: LIMIT } });
    const answer = await send(server, head, bytes);
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect(answer).toMatch(/connection: close/i);
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({
      errors: [LIMIT_EXCEEDED],
    });
    expect(server.refusals).toEqual(['body']);
  });

  it('that is too large is refused so that a page of an allowed origin can read it', async () => {
    const origin = 'https://shop.example';
    const limits = { bodyBytes: LIMIT };
    await using server = await serve(createMemoryStore(), { allowedOrigins: [origin], limits });
    const refusedFor = async (page: string) => {
      const answer = await send(server, `Origin: ${page}\r\nContent-Length: ${LIMIT + 1}`, 0);
      return [answer.slice(9, 12), /^access-control-allow-origin: (.*)$/im.exec(answer)?.[1]];
    };
    expect(await refusedFor(origin)).toEqual(['413', origin]);
    expect(await refusedFor('https://other.example')).toEqual(['403', undefined]);
  });

  it('of just that size is taken', async () => {
    await using server = await serve(createMemoryStore(), { limits: { bodyBytes: LIMIT } });
    const query = '{"query":"{__typename}"';
    const body = `${query}${' '.repeat(LIMIT - query.length - 1)}}`;
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(server.url, { method: 'POST', headers, body });
    expect(await response.json()).toEqual({ data: { __typename: 'Query' } });
  });

  it('that never comes, or a head that never ends, is not waited for', async () => {
    await using server = await serve(createMemoryStore(), { limits: { requestTimeoutMs: 200 } });
    const ended = await Promise.all(
      ['Content-Length: 10\r\n\r\n', 'Upgrade: websocket\r\n'].map(async (rest) => {
        const socket = connect({ port: Number(server.url.port) });
        socket.write(`POST /graphql HTTP/1.1\r\nHost: localhost\r\n${rest}`);
        let answer = '';
        for await (const chunk of socket) answer += chunk;
        return answer;
      }),
    );
    for (const answer of ended) expect(answer).toMatch(/^HTTP\/1.1 408 /);
    expect(server.refusals).toEqual(['request_timeout', 'request_timeout']);
  });

  it('that is never begun is no refusal: browsers open connections that they may come to need', async () => {
    await using server = await serve(createMemoryStore(), { limits: { requestTimeoutMs: 200 } });
    const socket = connect({ port: Number(server.url.port) });
    expect((await Array.fromAsync(socket)).join('')).toMatch(/^HTTP\/1.1 408 /);
    expect(server.refusals).toEqual([]);
  });
});

/** A socket that has said `connection_init`, and everything that it was told. */
async function open({ url }: Serving) {
  const socket = new WebSocket(url.href.replace('http', 'ws'), 'graphql-transport-ws');
  const messages: { type: string; id?: string; payload?: unknown }[] = [];
  socket.on('message', (data) => messages.push(JSON.parse(String(data))));
  await once(socket, 'open');
  socket.send('{"type":"connection_init"}');
  await once(socket, 'message');
  const subscribe = (id: string, query: string) =>
    socket.send(JSON.stringify({ id, type: 'subscribe', payload: { query } }));
  return { socket, messages, subscribe, closed: () => once(socket, 'close') };
}

const FOLLOW = `subscription { topupStatus(id: "${ORDER_ID}") { version } }`;

describe('a socket', () => {
  it('that sends too much at once is closed with 1009', async () => {
    await using server = await serve(createMemoryStore(), { limits: { messageBytes: 1_000 } });
    const { socket, closed } = await open(server);
    socket.send('x'.repeat(1_001));
    expect((await closed())[0]).toBe(1_009);
    expect(server.refusals).toEqual(['message_size']);
  });

  it.each([
    ['messages', (socket: WebSocket) => socket.send('{"type":"ping"}')],
    ['pings', (socket: WebSocket) => socket.ping()],
  ])('that says too much is closed with 4429: %s', async (_, say) => {
    const limits = { messagesPerSecond: 5, subscriptionsPerConnection: 2 };
    await using server = await serve(createMemoryStore(), { limits, clock: new ManualClock() });
    const { socket, messages, closed } = await open(server);
    for (let n = 0; n < 100; n += 1) say(socket);
    const [code, reason] = await closed();
    expect([code, String(reason)]).toEqual([4_429, 'More than 5 messages a second']);
    expect(messages.filter(({ type }) => type === 'pong').length).toBeLessThan(10);
    expect(server.refusals).toEqual(['message_rate']);
  });

  it('that is told to go is cut off if it does not close', async () => {
    const clock = new ManualClock();
    const limits = { messagesPerSecond: 5, subscriptionsPerConnection: 2 };
    await using server = await serve(createMemoryStore(), { limits, clock });
    const client = await RawWebSocket.open(Number(server.url.port));
    const cutOff = once(client.socket, 'close');
    client.write(...Array.from({ length: 11 }, () => ({ opcode: PING })));
    expect(await client.closeCode()).toBe(4_429);
    await clock.advance(2_000);
    await cutOff;
  });

  it('may go on where it has waited', async () => {
    const clock = new ManualClock();
    const limits = { messagesPerSecond: 5, subscriptionsPerConnection: 1 };
    await using server = await serve(createMemoryStore(), { limits, clock });
    const { socket } = await open(server);
    for (let second = 0; second < 10; second += 1) {
      for (let n = 0; n < 5; n += 1) {
        socket.send('{"type":"ping"}');
        await once(socket, 'message');
      }
      await clock.advance(1_000);
    }
    expect(socket.readyState).toBe(WebSocket.OPEN);
    socket.terminate();
  });

  it('is refused an operation too many, and keeps the others', async () => {
    const store = createMemoryStore();
    await store.record(observation(), () => null);
    await using server = await serve(store, { limits: { subscriptionsPerConnection: 2 } });
    const { socket, messages, subscribe } = await open(server);
    for (const id of ['1', '2', '3']) subscribe(id, FOLLOW);
    while (messages.length < 4) await once(socket, 'message');
    expect(messages.filter(({ type }) => type === 'error')).toMatchObject([
      { id: '3', payload: [LIMIT_EXCEEDED] },
    ]);
    expect(messages.filter(({ type }) => type === 'next').map(({ id }) => id)).toEqual(['1', '2']);
    socket.send('{"id":"1","type":"complete"}');
    subscribe('4', FOLLOW);
    while (messages.length < 5) await once(socket, 'message');
    expect(messages.at(-1)).toMatchObject({ id: '4', type: 'next' });
    expect(server.refusals).toEqual(['subscriptions_per_connection']);
    socket.terminate();
  });
});

it('a socket runs a trusted document by its hash, beside an empty text, and nothing else', async () => {
  const trustedDocuments = new TrustedDocuments({ a3f1: '{ __typename }' });
  await using server = await serve(createMemoryStore(), { limits: { trustedDocuments } });
  const { socket, messages } = await open(server);
  const payloads = ['a3f1', 'sha256:a3f1', 'ffff'].map((sha256Hash) => ({
    query: '',
    extensions: { persistedQuery: { version: 1, sha256Hash } },
  }));
  for (const [at, payload] of [...payloads, { query: '{ x: __typename }' }].entries())
    socket.send(JSON.stringify({ id: String(at), type: 'subscribe', payload }));
  const told = () => messages.filter(({ type }) => type === 'next' || type === 'error');
  await expect.poll(() => told().length).toBe(4);
  const known = { payload: { data: { __typename: 'Query' } } };
  const forbidden = { payload: [{ extensions: { code: 'FORBIDDEN' } }] };
  expect(told().toSorted((a, b) => Number(a.id) - Number(b.id))).toMatchObject([
    known,
    known,
    forbidden,
    forbidden,
  ]);
  expect(server.refusals).toEqual(['trusted_documents', 'trusted_documents']);
  socket.terminate();
});

/** Sends a hundred queries at once, each with an id of its own. */
type Burst = (server: Serving, ids: readonly string[]) => Promise<unknown>;

const bySocket: Burst = async (server, ids) => {
  const { socket, messages, subscribe } = await open(server);
  for (const id of ids) subscribe(id, `{ topup(id: "${id}") { version } }`);
  const completed = () => messages.filter(({ type }) => type === 'complete');
  await expect.poll(() => completed().length).toBe(ids.length);
  socket.terminate();
};

/** Sends a request over one of the agent's connections. */
async function send({ url }: Serving, agent: Agent, { path = '/graphql', body = '' } = {}) {
  const headers = { accept: 'application/json', 'content-type': 'application/json' };
  const method = body === '' ? 'GET' : 'POST';
  const sent = httpRequest(new URL(path, url), { agent, headers, method });
  sent.end(body);
  const [response] = await once(sent, 'response');
  expect(response.statusCode).toBe(200);
  await once(response.resume(), 'end');
}

/** Over connections that are open, so that all are heard in the same round of the event loop. */
function byRequest(
  toRequest: (id: string) => object,
  agent = new Agent({ keepAlive: true }),
): Burst {
  return async (server, ids) => {
    await Promise.all(ids.map(() => send(server, agent, { path: '/health/live' })));
    const bodies = ids.map((id) => JSON.stringify(toRequest(id)));
    await Promise.all(bodies.map((body) => send(server, agent, { body })));
    agent.destroy();
  };
}

const QUERY_BY_ID = 'query ($id: ID!) { topup(id: $id) { version } }';

const newQuery = (id: string) => ({ query: `{ topup(id: "${id}") { version } }` });
const knownQuery = (id: string) => ({ query: QUERY_BY_ID, variables: { id } });

describe('queries that one address sends at once', () => {
  const ids = Array.from({ length: 100 }, (_, n) => String(n).padStart(24, '0'));

  it.each<[string, Burst]>([
    ['over a WebSocket', bySocket],
    ['that are new', byRequest(newQuery)],
    ['that are known', byRequest(knownQuery)],
  ])('are begun a few at a time, and all others are served in between: %s', async (_, burst) => {
    const begun: number[] = [];
    let round = 0;
    const topups = {
      lookup: async () => {
        begun.push(round);
        return null;
      },
    };
    await using server = await serve(createMemoryStore(), { topups });
    await post(addressesOf(server), { document: QUERY_BY_ID, variables: { id: ORDER_ID } });
    begun.length = 0;
    let isOver = false;
    const count = () => {
      round += 1;
      if (!isOver) setImmediate(count);
    };
    count();
    await burst(server, ids);
    isOver = true;
    expect(begun).toHaveLength(ids.length);
    // Eight as they are heard, and eight more before the next round is counted.
    const inRound = Object.values(Object.groupBy(begun, String)).map((each) => each?.length ?? 0);
    expect(Math.max(...inRound)).toBeLessThanOrEqual(16);
  });

  it.each([
    ['new', newQuery],
    ['known', knownQuery],
  ])('are not begun any more once their client has left: %s', async (_, toRequest) => {
    const agent = new Agent({ keepAlive: true });
    let begun = 0;
    const topups = {
      lookup: async () => {
        begun += 1;
        agent.destroy();
        return null;
      },
    };
    await using server = await serve(createMemoryStore(), { topups });
    const last = { document: QUERY_BY_ID, variables: { id: ORDER_ID } };
    await post(addressesOf(server), last);
    await expect(byRequest(toRequest, agent)(server, ids)).rejects.toMatchObject({
      code: 'ECONNRESET',
    });
    // Its turn comes after those of all others.
    await post(addressesOf(server), last);
    expect(begun).toBeLessThan(60);
  });
});

describe('connections', () => {
  /** The status and the code of a WebSocket that is not opened. */
  async function refusedUpgrade({ url }: Serving, headers: Record<string, string> = {}) {
    const socket = new WebSocket(url.href.replace('http', 'ws'), 'graphql-transport-ws', {
      headers,
    });
    const [request, response] = await once(socket, 'unexpected-response');
    let text = '';
    for await (const chunk of response) text += chunk;
    request.destroy();
    const type = response.headers['content-type'];
    return { status: response.statusCode, type, body: JSON.parse(text) };
  }

  async function stream({ url }: Serving) {
    const leave = new AbortController();
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: FOLLOW }),
      signal: leave.signal,
    });
    return { response, leave: () => leave.abort() };
  }

  it('are limited in all, event streams among them, and a place that is left is free', async () => {
    const store = createMemoryStore();
    await store.record(observation(), () => null);
    await using server = await serve(store, { limits: { connections: 4 } });
    const sockets = await Promise.all([open(server), open(server), open(server)]);
    const other = await stream(server);
    expect(other.response.status).toBe(200);
    expect(await refusedUpgrade(server)).toMatchObject({
      status: 503,
      type: 'application/json; charset=utf-8',
      body: { errors: [LIMIT_EXCEEDED] },
    });
    const third = await stream(server);
    expect(third.response.status).toBe(503);
    expect(await third.response.text()).toContain('"code":"LIMIT_EXCEEDED"');
    // Clients could fill the log.
    expect(server.logger.lines.filter(({ level }) => level !== 'debug')).toEqual([]);
    // Who only asks is still answered.
    expect((await post(addressesOf(server), { document: '{ __typename }' })).httpStatus).toBe(200);
    expect(server.refusals).toEqual(['connections', 'connections']);
    other.leave();
    const openAgain = () =>
      open(server).then(
        ({ socket }) => socket.terminate(),
        () => Promise.reject(new Error('refused')),
      );
    await expect.poll(openAgain).toBeUndefined();
    for (const { socket } of sockets) socket.terminate();
  });

  it('are limited for each address, which a proxy may tell', async () => {
    const limits = { connectionsPerAddress: 1, trustedProxies: 1 };
    await using server = await serve(createMemoryStore(), { limits });
    const from = (address: string) => ({ 'x-forwarded-for': `1.1.1.1, ${address}` });
    const url = server.url.href.replace('http', 'ws');
    const first = new WebSocket(url, 'graphql-transport-ws', { headers: from('2001:db8::1') });
    await once(first, 'open');
    // The same network: whoever has one address of it has them all.
    expect(await refusedUpgrade(server, from('2001:db8::2'))).toMatchObject({
      status: 429,
      body: { errors: [LIMIT_EXCEEDED] },
    });
    const other = new WebSocket(url, 'graphql-transport-ws', { headers: from('10.0.0.2') });
    await once(other, 'open');
    expect(server.refusals).toEqual(['connections_per_address']);
    first.terminate();
    other.terminate();
  });

  it('below everything are limited as well', async () => {
    await using server = await serve(createMemoryStore(), { limits: { connectionsPerAddress: 2 } });
    const sockets = Array.from({ length: 5 }, () => connect({ port: Number(server.url.port) }));
    const answer = await Promise.race(sockets.map((socket) => once(socket, 'data')));
    expect(String(answer)).toMatch(/^HTTP\/1.1 503 .*LIMIT_EXCEEDED/s);
    expect(server.refusals).toEqual(['connections_per_address']);
    for (const socket of sockets) socket.destroy();
  });
});

it('behind a trusted proxy, from which all connections come, its address has no limit of its own', async () => {
  const limits = { connectionsPerAddress: 1, trustedProxies: 1 };
  await using server = await serve(createMemoryStore(), { limits });
  const sockets = Array.from({ length: 5 }, () => connect({ port: Number(server.url.port) }));
  const ask = 'GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n';
  for (const socket of sockets) socket.write(ask);
  const answers = await Promise.all(sockets.map((socket) => once(socket, 'data')));
  for (const answer of answers) expect(String(answer)).toMatch(/^HTTP\/1.1 200 /);
  expect(server.refusals).toEqual([]);
  for (const socket of sockets) socket.destroy();
});

describe('a client that does not read', () => {
  const VERSIONS = 3_000;

  async function longOrder() {
    const store = createMemoryStore({ logId: 'log' });
    for (let n = 1; n <= VERSIONS; n += 1) {
      const told = { upstreamStatus: `STEP-${n}`, refundMessage: 'م'.repeat(4_000), observedAt: n };
      await store.record(observation(told), () => n + 1);
    }
    return store;
  }

  const after = Buffer.from('log@0').toString('base64url');
  const query = `subscription { topupStatus(id: "${ORDER_ID}", after: "${after}") { version refundMessage cursor } }`;

  /** Moves the clock on, a look at a time, until the limit has done its work. */
  async function untilRefused(server: Serving, clock: ManualClock) {
    for (let looks = 0; looks < 2_000 && server.refusals.length === 0; looks += 1)
      await clock.advance(2_500);
    expect(server.refusals).toEqual(['slow_client']);
  }

  it.each([10_000, 60_000])(
    'of a WebSocket is told why after %i ms, and goes on after its cursor',
    async (timeoutMs) => {
      const clock = new ManualClock();
      const limits = { slowClientTimeoutMs: timeoutMs };
      await using server = await serve(await longOrder(), { clock, limits });
      const { socket, messages, subscribe, closed } = await open(server);
      socket.pause();
      subscribe('1', query);
      await untilRefused(server, clock);
      const end = closed();
      socket.resume();
      const [code, reason] = await end;
      expect([code, String(reason)]).toEqual([
        1_013,
        'Too slow to read; go on after the last cursor',
      ]);
      const seen = messages.filter(({ type }) => type === 'next').length;
      expect(seen).toBeGreaterThan(0);
      expect(seen).toBeLessThan(VERSIONS);
      const cursor = Buffer.from(`log@${seen}`).toString('base64url');
      const next = await open(server);
      next.subscribe('1', query.replace(after, cursor));
      while (next.messages.length < 2) await once(next.socket, 'message');
      expect(next.messages[1]).toMatchObject({
        payload: { data: { topupStatus: { version: seen + 1 } } },
      });
      next.socket.terminate();
    },
  );

  it('of an event stream is cut off', async () => {
    const clock = new ManualClock();
    await using server = await serve(await longOrder(), { clock });
    const call = httpRequest(server.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    });
    call.end(JSON.stringify({ query }));
    const [response] = await once(call, 'response');
    await untilRefused(server, clock);
    await expect(collect(response)).rejects.toThrow(/aborted/);
  });
});

describe('lookups that have OneClickDz asked', () => {
  const lookups = {
    lookup: async (_id: string, _age?: number, mayAsk?: () => Error | undefined) => {
      const refusal = mayAsk?.();
      if (refusal !== undefined) throw refusal;
      return null;
    },
  };
  const ask = ({ url }: Serving, from = '10.0.0.1') =>
    fetch(`${url}?query={topup(id:"a"){id}}`, { headers: { 'x-forwarded-for': from } }).then(
      (response) => response.json(),
    );
  const limits = { uncachedLookupsPerMinute: 2, trustedProxies: 1 };

  it('are limited for each client, and come back with time', async () => {
    const clock = new ManualClock();
    await using server = await serve(createMemoryStore(), { topups: lookups, limits, clock });
    expect([await ask(server), await ask(server)]).toEqual(
      Array(2).fill({ data: { topup: null } }),
    );
    expect(await ask(server)).toMatchObject({
      data: { topup: null },
      errors: [{ path: ['topup'], extensions: { code: 'LIMIT_EXCEEDED', retryAfterSeconds: 30 } }],
    });
    expect(await ask(server, '10.0.0.2')).toEqual({ data: { topup: null } });
    await clock.advance(30_000);
    expect(await ask(server)).toEqual({ data: { topup: null } });
    expect(server.refusals).toEqual(['lookups']);
  });

  it.each([
    ['server-sent events', overServerSentEvents],
    ['WebSocket', overWebSocket],
  ] as const)(
    'include the first look of a subscription at an order that nobody has seen: %s',
    async (_, follow) => {
      await using server = await serve(createMemoryStore(), {
        limits: { uncachedLookupsPerMinute: 1 },
        clock: new ManualClock(),
      });
      const { socket, subscribe } = await open(server);
      subscribe('1', FOLLOW);
      // Answered after the one before, which has nothing to say.
      subscribe('2', '{ __typename }');
      await once(socket, 'message');
      expect(await collect(follow(addressesOf(server), { document: FOLLOW }))).toMatchObject([
        { data: null, errors: [{ extensions: { code: 'LIMIT_EXCEEDED', retryAfterSeconds: 60 } }] },
      ]);
      expect(server.refusals).toEqual(['lookups']);
      socket.terminate();
    },
  );

  it('are paid for by who ends a subscription to an unknown order before they are made, down to a debt', async () => {
    const clock = new ManualClock();
    const limits = { uncachedLookupsPerMinute: 6 };
    await using server = await serve(createMemoryStore(), { topups: lookups, limits, clock });
    const { socket, messages, subscribe } = await open(server);
    const answerTo = async (id: string, query: string) => {
      subscribe(id, query);
      const isAnswer = (message: (typeof messages)[number]) =>
        message.id === id && message.type !== 'complete';
      await expect.poll(() => messages.some(isAnswer)).toBe(true);
      return messages.find(isAnswer)?.payload;
    };
    for (const id of ['1', '2']) {
      subscribe(id, FOLLOW);
      // Answered after the one before, which has nothing to say.
      await answerTo(`after ${id}`, '{ __typename }');
      socket.send(JSON.stringify({ id, type: 'complete' }));
    }
    const refused = await answerTo('3', '{ topup(id: "a") { id } }');
    expect(refused).toMatchObject({
      errors: [{ extensions: { code: 'LIMIT_EXCEEDED', retryAfterSeconds: 50 } }],
    });
    await clock.advance(50_000);
    expect(await answerTo('4', '{ topup(id: "a") { id } }')).toEqual({ data: { topup: null } });
    socket.terminate();
  });

  it('are not what a subscription to an order in the log needs', async () => {
    const store = createMemoryStore();
    await store.record(observation({ upstreamStatus: 'FULFILLED' }), () => null);
    await using server = await serve(store, {
      limits: { uncachedLookupsPerMinute: 1 },
      clock: new ManualClock(),
    });
    for (let times = 0; times < 3; times += 1) {
      const [event] = await collect(overWebSocket(addressesOf(server), { document: FOLLOW }));
      expect(event).toMatchObject({ data: { topupStatus: { version: 1 } } });
    }
    expect(server.refusals).toEqual([]);
  });
});
