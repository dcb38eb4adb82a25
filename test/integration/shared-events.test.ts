import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Store } from '../../src/core/store.ts';
import { toPublicError } from '../../src/graphql/errors.ts';
import { Renderings } from '../../src/graphql/execution/renderings.ts';
import { countingReads } from '../support/counting-store.ts';
import {
  eventsOf,
  type Follow,
  overServerSentEvents,
  overWebSocket,
} from '../support/graphql-over-the-wire.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { ORDER_ID, observation } from '../support/observations.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import { type Serving, serve } from '../support/serving.ts';
import { bearer, type Claims, SECRET_AUTH } from '../support/tickets.ts';

const SUBSCRIBERS = 20;
const OTHER_ID = 'f'.repeat(24);

interface Event {
  readonly topupStatus: { readonly status: string; readonly version: number };
}

/** A store that counts how often the history of an order is read: once for each event that is executed. */
function countingStore(): { readonly store: Store; readonly reads: () => number } {
  const store = createMemoryStore({ logId: 'log' });
  return countingReads(store);
}

/** Knows how many subscribers use what is shared. */
class CountedRenderings extends Renderings {
  taken = 0;
  inUse = 0;
  onTake: () => void = () => undefined;

  constructor() {
    const logger = recordingLogger();
    super({ mask: (error) => toPublicError(error, logger), onPlanGivenUp: () => undefined });
  }

  override take(...args: Parameters<Renderings['take']>) {
    this.taken += 1;
    this.inUse += 1;
    this.onTake();
    return super.take(...args);
  }

  override giveBack(...args: Parameters<Renderings['giveBack']>) {
    this.inUse -= 1;
    super.giveBack(...args);
  }
}

/** Cuts off the clients of all requests that have come meanwhile, as the server sees it: at once. */
function cuttingOff(): Disposable & { readonly all: () => void } {
  const responses: ServerResponse[] = [];
  const onRequest = (message: unknown) => {
    responses.push((message as { readonly response: ServerResponse }).response);
  };
  subscribe('http.server.request.start', onRequest);
  return {
    all: () => {
      for (const response of responses) response.destroy();
    },
    [Symbol.dispose]: () => void unsubscribe('http.server.request.start', onRequest),
  };
}

/** A store whose history cannot be read the first time. */
function stumblingStore(): Store {
  const store = createMemoryStore({ logId: 'log' });
  let reads = 0;
  const read: Store['read'] = (...args) => {
    reads += 1;
    return reads === 1 ? Promise.reject(new Error('the disk')) : store.read(...args);
  };
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'read') return read;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** A store that fails whoever asks for an order. */
function failingStore(): Store {
  const find: Store['find'] = () => Promise.reject(new Error('the disk'));
  return new Proxy(createMemoryStore({ logId: 'log' }), {
    get: (target, name) => {
      if (name === 'find') return find;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const QUERY = `subscription ($id: ID!, $first: Int!) {
  topupStatus(id: $id) { status version history(first: $first) { edges { node { version } } } }
}`;

function addressesOf({ url }: Serving) {
  return { url: url.href, wsUrl: url.href.replace('http', 'ws') };
}

const TRANSPORTS: readonly (readonly [string, Follow])[] = [
  ['WebSocket', overWebSocket],
  ['server-sent events', overServerSentEvents],
];

describe.each(TRANSPORTS)('an event over %s', (_name, follow) => {
  it('is executed once for all who asked the same', async () => {
    const { store, reads } = countingStore();
    await store.record(observation(), () => null);
    await using serving = await serve(store);
    const operation = { document: QUERY, variables: { id: ORDER_ID, first: 1 } };
    const streams = Array.from({ length: SUBSCRIBERS }, () =>
      follow<Event>(addressesOf(serving), operation),
    );
    const first = await Promise.all(streams.map((stream) => stream.next()));
    const before = reads();
    expect(before).toBe(1);
    const settled = { upstreamStatus: 'FULFILLED', observedAt: Date.now() };
    await store.record(observation(settled), () => null);
    const second = await Promise.all(streams.map((stream) => stream.next()));
    expect(reads() - before).toBe(1);
    for (const [at, stream] of streams.entries()) {
      expect(first[at]?.value?.data?.topupStatus).toMatchObject({ status: 'HANDLING', version: 1 });
      expect(second[at]?.value?.data?.topupStatus).toMatchObject({
        status: 'FULFILLED',
        version: 2,
      });
      expect((await stream.next()).done).toBe(true);
    }
  });

  it('is executed anew for other variables, other documents and other orders', async () => {
    const { store, reads } = countingStore();
    for (const orderId of [ORDER_ID, OTHER_ID])
      await store.record(observation({ orderId }), () => null);
    await using serving = await serve(store);
    const operations = [
      { document: QUERY, variables: { id: ORDER_ID, first: 1 } },
      { document: QUERY, variables: { id: ORDER_ID, first: 2 } },
      { document: QUERY, variables: { id: OTHER_ID, first: 1 } },
      { document: `${QUERY} # another`, variables: { id: ORDER_ID, first: 1 } },
    ];
    const streams = operations.map((operation) => follow<Event>(addressesOf(serving), operation));
    await Promise.all(streams.map((stream) => stream.next()));
    expect(reads()).toBe(operations.length);
    await Promise.all(streams.map((stream) => stream.return()));
  });

  it('that failed inside the gateway is executed anew for whoever comes later', async () => {
    const store = stumblingStore();
    await store.record(observation(), () => null);
    await using serving = await serve(store);
    const operation = { document: QUERY, variables: { id: ORDER_ID, first: 1 } };
    const streams = [];
    const codes = [];
    for (let nth = 0; nth < 2; nth += 1) {
      const stream = follow<Event>(addressesOf(serving), operation);
      streams.push(stream);
      const { value } = await stream.next();
      codes.push(value?.errors?.[0]?.extensions?.['code']);
    }
    expect(codes).toEqual(['INTERNAL_SERVER_ERROR', undefined]);
    await Promise.all(streams.map((stream) => stream.return()));
  });

  it('leaves nothing behind of a subscriber whose order is settled', async () => {
    const store = createMemoryStore({ logId: 'log' });
    await store.record(observation({ upstreamStatus: 'FULFILLED' }), () => null);
    const renderings = new CountedRenderings();
    await using serving = await serve(store, { renderings });
    const operation = { document: QUERY, variables: { id: ORDER_ID, first: 1 } };
    const events = await Array.fromAsync(follow<Event>(addressesOf(serving), operation));
    expect(events).toHaveLength(1);
    expect(renderings.inUse).toBe(0);
  });

  it('still goes to the others when whoever asked first has gone', async () => {
    const store = createMemoryStore({ logId: 'log' });
    await store.record(observation(), () => null);
    const renderings = new CountedRenderings();
    await using serving = await serve(store, { renderings });
    const operation = { document: QUERY, variables: { id: ORDER_ID, first: 1 } };
    const streams = [];
    for (let nth = 0; nth < 2; nth += 1) {
      const stream = follow<Event>(addressesOf(serving), operation);
      await stream.next();
      streams.push(stream);
    }
    const [first, second] = streams;
    await first?.return();
    await expect.poll(() => renderings.inUse).toBe(1);
    const settled = { upstreamStatus: 'FULFILLED', observedAt: Date.now() };
    await store.record(observation(settled), () => null);
    const event = await second?.next();
    expect(event?.value?.data?.topupStatus).toMatchObject({ status: 'FULFILLED', version: 2 });
    expect((await second?.next())?.done).toBe(true);
  });

  it('leaves nothing behind of a subscriber that goes', async () => {
    const store = createMemoryStore({ logId: 'log' });
    await store.record(observation(), () => null);
    const renderings = new CountedRenderings();
    await using serving = await serve(store, { renderings });
    const operation = { document: QUERY, variables: { id: ORDER_ID, first: 1 } };
    const stream = follow<Event>(addressesOf(serving), operation);
    await stream.next();
    expect(renderings.inUse).toBe(1);
    await stream.return();
    await expect.poll(() => renderings.inUse).toBe(0);
  });

  it('leaves nothing behind of a subscriber whose log fails', async () => {
    const renderings = new CountedRenderings();
    await using serving = await serve(failingStore(), { renderings });
    const operation = { document: QUERY, variables: { id: ORDER_ID, first: 1 } };
    const stream = follow<Event>(addressesOf(serving), operation);
    const { value } = await stream.next();
    expect(value?.errors?.[0]?.extensions?.['code']).toBe('INTERNAL_SERVER_ERROR');
    expect(renderings.taken).toBe(1);
    await expect.poll(() => renderings.inUse).toBe(0);
  });
});

describe('a subscriber that leaves before there is anything to see', () => {
  const body = JSON.stringify({ query: QUERY, variables: { id: ORDER_ID, first: 1 } });

  it('leaves nothing behind over server-sent events', async () => {
    const renderings = new CountedRenderings();
    await using serving = await serve(createMemoryStore({ logId: 'log' }), { renderings });
    const leave = new AbortController();
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
    const asked = fetch(serving.url, { method: 'POST', headers, body, signal: leave.signal });
    asked.catch(() => undefined);
    await expect.poll(() => renderings.inUse).toBe(1);
    leave.abort();
    await expect.poll(() => renderings.inUse).toBe(0);
  });

  it('leaves nothing behind, and no error in the log, where it is gone before its stream begins', async () => {
    const renderings = new CountedRenderings();
    await using serving = await serve(createMemoryStore({ logId: 'log' }), { renderings });
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
    using cut = cuttingOff();
    renderings.onTake = cut.all;
    const asked = fetch(serving.url, { method: 'POST', headers, body });
    await expect(asked).rejects.toThrow();
    await expect.poll(() => [renderings.taken, renderings.inUse]).toEqual([1, 0]);
    expect(serving.logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('leaves nothing behind where it goes between the head of its stream and the stream', async () => {
    const renderings = new CountedRenderings();
    const leave = new AbortController();
    const afterYoga = async ({ socket }: IncomingMessage) => {
      leave.abort();
      await once(socket, 'close');
    };
    const store = createMemoryStore({ logId: 'log' });
    await using serving = await serve(store, { renderings, afterYoga });
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
    const asked = fetch(serving.url, { method: 'POST', headers, body, signal: leave.signal });
    await expect(asked).rejects.toThrow();
    await expect.poll(() => [renderings.taken, renderings.inUse]).toEqual([1, 0]);
    expect(serving.logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('is no error either if it asked for the answer to a query as a stream', async () => {
    using cut = cuttingOff();
    const topups = {
      lookup: async () => {
        cut.all();
        return null;
      },
    };
    await using serving = await serve(createMemoryStore({ logId: 'log' }), { topups });
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
    const query = JSON.stringify({ query: `{ topup(id: "${ORDER_ID}") { status } }` });
    const asked = fetch(serving.url, { method: 'POST', headers, body: query });
    await expect(asked).rejects.toThrow();
    await settle();
    expect(serving.logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('leaves nothing behind where there is no place for a stream, whether it is known or not', async () => {
    const renderings = new CountedRenderings();
    const store = createMemoryStore({ logId: 'log' });
    await using serving = await serve(store, { renderings, limits: { connections: 1 } });
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
    const follow = (signal?: AbortSignal) =>
      fetch(serving.url, { method: 'POST', headers, body, ...(signal && { signal }) });
    const socket = await subscribed(serving, body);
    await expect.poll(() => renderings.inUse).toBe(1);
    expect([(await follow()).status, renderings.inUse]).toEqual([503, 1]);
    socket.terminate();
    await expect.poll(() => renderings.inUse).toBe(0);
    // From now on it is known.
    const leave = new AbortController();
    await follow(leave.signal);
    expect(renderings.inUse).toBe(1);
    expect([(await follow()).status, renderings.inUse]).toEqual([503, 1]);
    leave.abort();
    await expect.poll(() => renderings.inUse).toBe(0);
  });

  it('leaves nothing behind where it accepts no stream', async () => {
    const renderings = new CountedRenderings();
    const store = createMemoryStore({ logId: 'log' });
    await using serving = await serve(store, { renderings });
    const headers = { 'content-type': 'application/json', accept: 'application/json' };
    const { status } = await fetch(serving.url, { method: 'POST', headers, body });
    expect([status, renderings.taken, renderings.inUse]).toEqual([406, 1, 0]);
  });

  it('leaves nothing behind over WebSocket, at whatever moment it goes', async () => {
    const renderings = new CountedRenderings();
    const store = createMemoryStore({ logId: 'log' });
    await using serving = await serve(store, { renderings });
    const stay = await subscribed(serving, body);
    await expect.poll(() => renderings.inUse).toBe(1);
    const hasty = await subscribed(serving, body);
    hasty.terminate();
    const polite = await subscribed(serving, body);
    polite.send(JSON.stringify({ id: '1', type: 'complete' }));
    await expect.poll(() => [renderings.taken, renderings.inUse]).toEqual([3, 1]);
    for (const socket of [stay, polite]) socket.terminate();
    await expect.poll(() => renderings.inUse).toBe(0);
  });
});

// HTTP/1.0 has no chunks, so Yoga itself would write the stream.
it.each(['1.1', '1.0'])(
  'a stream that comes to nothing by a fault of the gateway leaves nothing behind: HTTP/%s',
  async (version) => {
    const renderings = new CountedRenderings();
    const afterYoga = () => Promise.reject(new Error('a fault'));
    const store = createMemoryStore({ logId: 'log' });
    await using serving = await serve(store, { renderings, afterYoga });
    const query = new URLSearchParams({
      query: `subscription { topupStatus(id: "1") { status } }`,
    });
    const socket = connect(Number(serving.url.port), '127.0.0.1');
    socket.end(
      `GET /graphql?${query} HTTP/${version}\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    expect(await text(socket)).toMatch(/^HTTP\/1.1 500 /);
    expect([renderings.taken, renderings.inUse]).toEqual([1, 0]);
  },
);

it('what one may see of an event is not shared with who may see less, nor the other way', async () => {
  const store = createMemoryStore({ logId: 'log' });
  const clock = new ManualClock();
  const cardCode = '123456789012';
  await store.record(observation({ cardCode }), () => null);
  await using serving = await serve(store, { auth: SECRET_AUTH, clock });
  const query = `subscription { topupStatus(id: "${ORDER_ID}") { status cardCode } }`;
  const exp = clock.now() / 1_000 + 60;
  const subscribe = async (claims: Claims) => {
    const headers = {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: await bearer({ exp, ...claims }),
    };
    const body = JSON.stringify({ query });
    const events = eventsOf(await fetch(serving.url, { method: 'POST', headers, body }));
    return async () => {
      const { value } = await events.next();
      const { data, errors } = JSON.parse(value?.data || '{}');
      return [data?.topupStatus?.cardCode, errors?.[0].extensions.code];
    };
  };
  const all = { topups: '*', scope: 'status card' };
  const subscribers = await Promise.all([
    subscribe(all),
    subscribe({ ...all, scope: 'status' }),
    subscribe({ ...all, topups: [ORDER_ID] }),
    subscribe(all),
  ]);
  const expected = [
    [cardCode, undefined],
    [null, 'FORBIDDEN'],
    [cardCode, undefined],
    [cardCode, undefined],
  ];
  expect(await Promise.all(subscribers.map((next) => next()))).toEqual(expected);
  const settled = { upstreamStatus: 'FULFILLED', cardCode, observedAt: clock.now() + 1 };
  await store.record(observation(settled), () => null);
  expect(await Promise.all(subscribers.map((next) => next()))).toEqual(expected);
  const other = await subscribe({ ...all, topups: [OTHER_ID] });
  expect(await other()).toEqual([undefined, 'TOPUP_NOT_FOUND']);
});

/** A socket that has just sent its subscription. */
async function subscribed(serving: Serving, body: string): Promise<WebSocket> {
  const socket = new WebSocket(addressesOf(serving).wsUrl, 'graphql-transport-ws');
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init' }));
  await once(socket, 'message');
  const sent = Promise.withResolvers<void>();
  socket.send(`{"id":"1","type":"subscribe","payload":${body}}`, () => sent.resolve());
  await sent.promise;
  return socket;
}
