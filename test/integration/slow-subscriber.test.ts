import { once } from 'node:events';
import { request } from 'node:http';
import { describe, expect, it, vi } from 'vitest';
import WebSocket from 'ws';
import type { Store } from '../../src/core/store.ts';
import { viewOf } from '../../src/core/view.ts';
import { countingReads } from '../support/counting-store.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { ORDER_ID, observation } from '../support/observations.ts';
import { type Serving, serve } from '../support/serving.ts';

const VERSIONS = 3_000;
const MESSAGE = 'م'.repeat(4_000);
const QUERY = `subscription { topupStatus(id: "${ORDER_ID}", after: "AFTER") { version refundMessage } }`;

/** A store that counts what is read from it, holding an order of far more than a socket's buffers. */
async function fullStore(
  versions = VERSIONS,
): Promise<{ readonly store: Store; readonly reads: () => number }> {
  const store = createMemoryStore({ logId: 'log' });
  for (let n = 1; n <= versions; n += 1) {
    const upstreamStatus = n === versions ? 'FULFILLED' : `STEP-${n}`;
    const told = { upstreamStatus, refundMessage: MESSAGE, observedAt: n };
    await store.record(observation(told), () => n + 1);
  }
  return countingReads(store);
}

/** Resolves once the count has stopped growing: what can be buffered is buffered. */
async function standstill(count: () => number): Promise<number> {
  for (let last = -1, still = 0; ; ) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    still = count() === last ? still + 1 : 0;
    last = count();
    if (last > 0 && still > 20_000) return last;
  }
}

const after = Buffer.from('log@0').toString('base64url');
const query = QUERY.replace('AFTER', after);
const everyVersion = Array.from({ length: VERSIONS }, (_, n) => n + 1);

describe('a subscriber that does not read', () => {
  it('holds the log back over WebSocket, and then gets every version', async () => {
    const { store, reads } = await fullStore();
    await using server = await serve(store);
    const socket = new WebSocket(server.url.href.replace('http', 'ws'), 'graphql-transport-ws');
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init' }));
    await once(socket, 'message');
    socket.pause();
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));
    expect(await standstill(reads)).toBeLessThan(VERSIONS / 2);

    const versions: number[] = [];
    const complete = Promise.withResolvers<void>();
    socket.on('message', (data) => {
      const message = JSON.parse(String(data));
      if (message.type === 'next') versions.push(message.payload.data.topupStatus.version);
      if (message.type === 'complete') complete.resolve();
    });
    socket.resume();
    await complete.promise;
    expect(versions).toEqual(everyVersion);
    socket.terminate();
  });

  it('holds the log back over server-sent events, and then gets every version', async () => {
    const { store, reads } = await fullStore();
    await using server = await serve(store);
    const call = request(server.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    });
    call.end(JSON.stringify({ query }));
    const [response] = await once(call, 'response');
    // Not read yet: an incoming stream is paused until somebody asks.
    expect(await standstill(reads)).toBeLessThan(VERSIONS / 2);

    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    const versions = [...text.matchAll(/"version":(\d+)/g)].map(([, version]) => Number(version));
    expect(versions).toEqual(everyVersion);
    expect(text).toMatch(/event: complete\ndata:\n\n$/);
  });
});

describe('a client that asks and does not read', () => {
  /** A socket whose client reads nothing until it is resumed, and the messages of each type that it then got. */
  async function unread(server: Serving) {
    const socket = new WebSocket(server.url.href.replace('http', 'ws'), 'graphql-transport-ws');
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init' }));
    await once(socket, 'message');
    socket.pause();
    const types: string[] = [];
    socket.on('message', (data) => types.push(JSON.parse(String(data)).type));
    const count = (type: string) => types.filter((each) => each === type).length;
    return { socket, count };
  }

  /** A query with an answer of 250 kB, and how many orders were looked up for such queries. */
  async function largeAnswers() {
    let lookups = 0;
    const store = createMemoryStore({ logId: 'log' });
    const told = { upstreamStatus: 'FULFILLED', refundMessage: MESSAGE };
    const { order } = await store.record(observation(told), () => null);
    const lookup = async () => {
      lookups += 1;
      return viewOf(order, order.checkedAt);
    };
    const fields = Array.from(
      { length: 30 },
      (_, n) => `a${n}: topup(id: "${ORDER_ID}") { refundMessage }`,
    );
    const payload = { query: `{ ${fields.join(' ')} }` };
    return { store, topups: { lookup }, payload, lookups: () => lookups };
  }

  it('has its queries wait, and then gets every answer', async () => {
    const { store, topups, payload, lookups } = await largeAnswers();
    await using server = await serve(store, { topups });
    const { socket, count } = await unread(server);
    for (let id = 0; id < 100; id += 1) {
      socket.send(JSON.stringify({ id: `${id}`, type: 'subscribe', payload }));
    }
    expect(await standstill(lookups)).toBeLessThan(3_000);

    socket.resume();
    await vi.waitUntil(() => count('complete') === 100, { timeout: 10_000 });
    expect([lookups(), count('next'), count('error')]).toEqual([3_000, 100, 0]);
    socket.terminate();
  });

  it('has none of the queries run that wait when it leaves', async () => {
    const { store, topups, payload, lookups } = await largeAnswers();
    await using server = await serve(store, { topups });
    const { socket } = await unread(server);
    for (let id = 0; id < 100; id += 1) {
      socket.send(JSON.stringify({ id: `${id}`, type: 'subscribe', payload }));
    }
    const before = await standstill(lookups);
    expect(before).toBeLessThan(3_000);
    socket.terminate();
    // One may have been under way.
    expect(await standstill(lookups)).toBeLessThanOrEqual(before + 30);
  });

  it('has no more queries wait than may run, though it completes them', async () => {
    const { store, topups, payload } = await largeAnswers();
    await using server = await serve(store, {
      topups,
      limits: { messagesPerSecond: 1_000, subscriptionsPerConnection: 50 },
    });
    const { socket } = await unread(server);
    for (let id = 0; id < 300; id += 1) {
      socket.send(JSON.stringify({ id: `${id}`, type: 'subscribe', payload }));
      socket.send(JSON.stringify({ id: `${id}`, type: 'complete' }));
    }
    await vi.waitUntil(() => server.refusals.length > 0, { timeout: 10_000 });
    expect(new Set(server.refusals)).toEqual(new Set(['subscriptions_per_connection']));
    socket.terminate();
  });

  it('has its query answered once it has read what its subscriptions had sent before', async () => {
    const { store, reads } = await fullStore(40);
    await using server = await serve(store);
    const { socket, count } = await unread(server);
    const large = query.replace(
      'refundMessage',
      'a: refundMessage b: refundMessage c: refundMessage',
    );
    for (let id = 0; id < 60; id += 1) {
      socket.send(JSON.stringify({ id: `${id}`, type: 'subscribe', payload: { query: large } }));
    }
    await standstill(reads);
    const payload = { query: '{ __typename }' };
    socket.send(JSON.stringify({ id: 'asked', type: 'subscribe', payload }));
    await vi.waitUntil(() => socket.bufferedAmount === 0, { timeout: 10_000 });

    socket.resume();
    await vi.waitUntil(() => count('complete') === 61, { timeout: 10_000 });
    expect(count('next')).toBe(60 * 40 + 1);
    socket.terminate();
  });

  it('gets no answer to pings that it would read only long after', async () => {
    await using server = await serve(createMemoryStore({ logId: 'log' }));
    const { socket, count } = await unread(server);
    const ping = JSON.stringify({ type: 'ping', payload: { text: 'x'.repeat(90_000) } });
    for (let n = 0; n < 140; n += 1) socket.send(ping);
    const last = { id: '1', type: 'subscribe', payload: { query: '{ __typename }' } };
    socket.send(JSON.stringify(last));
    await vi.waitUntil(() => socket.bufferedAmount === 0, { timeout: 10_000 });

    socket.resume();
    await vi.waitUntil(() => count('complete') === 1, { timeout: 10_000 });
    expect(count('pong')).toBeGreaterThan(0);
    expect(count('pong')).toBeLessThan(140);
    socket.terminate();
  });
});
