import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Store } from '../../src/core/store.ts';
import type { TopupView } from '../../src/core/view.ts';
import { CountingWatch } from '../support/counting-watch.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { ORDER_ID, observation } from '../support/observations.ts';
import { encodeFrame, RawWebSocket, TEXT } from '../support/raw-web-socket.ts';
import { type Serving, serve } from '../support/serving.ts';

/*
 * graphql-ws does not wait for the end of a subscription here, yet what it promises of one holds for as long as
 * it runs.
 */

const QUERY = `subscription { topupStatus(id: "${ORDER_ID}") { version } }`;

interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

const ask = (id: string): Message => ({ id, type: 'subscribe', payload: { query: QUERY } });
const end = (id: string): Message => ({ id, type: 'complete' });
const next = (id: string, version: number): Message => ({
  id,
  type: 'next',
  payload: { data: { topupStatus: { version } } },
});

async function storeOfOne(): Promise<Store> {
  const store = createMemoryStore({ logId: 'log' });
  await store.record(observation(), () => null);
  return store;
}

/** The same store, but that it is read in another way. */
function withReads(store: Store, reads: Partial<Pick<Store, 'find' | 'read'>>): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const read: unknown = Reflect.get(reads, name);
      if (read !== undefined) return read;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Another state than any before, where none is given. */
async function change(store: Store, upstreamStatus?: string): Promise<void> {
  const step = `STEP-${(await store.find(ORDER_ID))?.latest.version}`;
  const told = { upstreamStatus: upstreamStatus ?? step, observedAt: Date.now() };
  await store.record(observation(told), () => null);
}

/** A socket that has begun. */
async function begin({ url }: Serving) {
  const socket = new WebSocket(url.href.replace('http', 'ws'), 'graphql-transport-ws');
  const heard: Message[] = [];
  const upgraded: Promise<IncomingMessage[]> = once(socket, 'upgrade');
  await once(socket, 'open');
  const connection = (await upgraded)[0]?.socket;
  socket.send('{"type":"connection_init"}');
  await once(socket, 'message');
  socket.on('message', (data) => heard.push(JSON.parse(String(data))));
  return {
    socket,
    heard,
    say: (...messages: readonly Message[]) => {
      for (const message of messages) socket.send(JSON.stringify(message));
    },
    hears: async (...messages: readonly Message[]) => {
      await expect.poll(() => heard.length).toBeGreaterThanOrEqual(messages.length);
      expect(heard.splice(0)).toEqual(messages);
    },
    /** In one piece, so that they are heard before any is answered. */
    sayAtOnce: (...messages: readonly Message[]) => {
      const frames = messages.map((message) =>
        encodeFrame({ opcode: TEXT, payload: JSON.stringify(message) }),
      );
      connection?.write(Buffer.concat(frames));
    },
    [Symbol.dispose]: () => socket.terminate(),
  };
}

describe('a subscription that waits', () => {
  it('has its id to itself: a second one of the same closes the socket', async () => {
    await using serving = await serve(await storeOfOne());
    using client = await begin(serving);
    client.say(ask('1'));
    await client.hears(next('1', 1));
    client.say(ask('1'));
    const [code, reason] = await once(client.socket, 'close');
    expect([code, String(reason)]).toEqual([4_409, 'Subscriber for 1 already exists']);
  });

  it('has even an id to itself that is too long to be told', async () => {
    await using serving = await serve(await storeOfOne());
    using client = await begin(serving);
    const id = 'ü'.repeat(1_000);
    client.say(ask(id), ask(id));
    const [code, reason] = await once(client.socket, 'close');
    expect([code, String(reason)]).toEqual([4_409, `Subscriber for ${'ü'.repeat(54)}`]);
    expect(serving.logger.lines).toEqual([]);
  });

  it('ends without a word when its client has enough of it, and its id is free', async () => {
    const store = await storeOfOne();
    await using serving = await serve(store);
    using client = await begin(serving);
    client.say(ask('1'), ask('2'));
    await client.hears(next('1', 1), next('2', 1));
    client.say(end('1'), ask('3'));
    await client.hears(next('3', 1));
    await change(store);
    await client.hears(next('2', 2), next('3', 2));
    client.say(ask('1'));
    await client.hears(next('1', 2));
    await change(store);
    await client.hears(next('2', 3), next('3', 3), next('1', 3));
  });

  it('says once that it is over, after its last event, and its id is free', async () => {
    const store = await storeOfOne();
    await using serving = await serve(store);
    using client = await begin(serving);
    client.say(ask('1'));
    await client.hears(next('1', 1));
    await change(store, 'FULFILLED');
    await client.hears(next('1', 2), end('1'));
    client.say(end('1'), ask('1'));
    await client.hears(next('1', 2), end('1'));
    client.say(ask('2'));
    await client.hears(next('2', 2), end('2'));
    expect(client.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('says nothing any more once its client has ended it, not even when it is found to have ended', async () => {
    const store = await storeOfOne();
    const asked = Promise.withResolvers<void>();
    const found = Promise.withResolvers<void>();
    const slow = withReads(store, {
      find: async (id) => {
        asked.resolve();
        await found.promise;
        return store.find(id);
      },
    });
    await using serving = await serve(slow);
    using client = await begin(serving);
    client.say(ask('1'));
    await asked.promise;
    client.say(end('1'), { type: 'ping' });
    await client.hears({ type: 'pong' });
    found.resolve();
    client.say(ask('2'));
    await client.hears(next('2', 1));
  });

  it('says nothing any more of an event that was being rendered when its client ended it', async () => {
    const store = await storeOfOne();
    const asked = Promise.withResolvers<void>();
    const read = Promise.withResolvers<void>();
    const slow = withReads(store, {
      read: async (...args) => {
        asked.resolve();
        await read.promise;
        return store.read(...args);
      },
    });
    await using serving = await serve(slow);
    using client = await begin(serving);
    const query = QUERY.replace('version', 'history { edges { node { version } } }');
    client.say({ id: '1', type: 'subscribe', payload: { query } });
    await asked.promise;
    client.say(end('1'), ask('1'));
    await client.hears(next('1', 1));
    read.resolve();
    await settle();
    client.say({ type: 'ping' });
    await client.hears({ type: 'pong' });
  });

  it('says once that it failed, and its id is free', async () => {
    const store = await storeOfOne();
    let isBroken = false;
    const breaking = withReads(store, {
      find: (id) => (isBroken ? Promise.reject(new Error('the disk')) : store.find(id)),
    });
    await using serving = await serve(breaking);
    using client = await begin(serving);
    client.say(ask('1'));
    await client.hears(next('1', 1));
    isBroken = true;
    // A write of which no new state is told, so that the order has to be read again.
    await store.reschedule(ORDER_ID, { dueAt: null, failures: 0 });
    client.say(ask('2'));
    const payload = [
      { message: 'Internal server error.', extensions: { code: 'INTERNAL_SERVER_ERROR' } },
    ];
    await client.hears({ id: '2', type: 'error', payload });
    isBroken = false;
    client.say(ask('2'));
    await client.hears(next('2', 1));
    expect(client.socket.readyState).toBe(WebSocket.OPEN);
  });
});

it('the ids of subscriptions count among what these hold, also where they come all at once', async () => {
  await using serving = await serve(await storeOfOne(), { limits: { messageBytes: 1_000 } });
  using client = await begin(serving);
  client.sayAtOnce(ask('a'.repeat(600)), ask('b'.repeat(600)));
  await expect.poll(() => client.heard.length).toBe(2);
  expect(client.heard.map(({ type, id }) => [type, id?.[0]])).toEqual([
    ['error', 'b'],
    ['next', 'a'],
  ]);
  client.say(ask('c'.repeat(600)));
  await expect
    .poll(() => client.heard.at(-1))
    .toMatchObject({ type: 'error', id: 'c'.repeat(600) });
  expect(serving.refusals).toEqual(['subscriptions_size', 'subscriptions_size']);
});

it('no event follows a close frame, however late the client closes its side', async () => {
  const store = await storeOfOne();
  const clock = new ManualClock();
  const serving = await serve(store, { clock });
  const raw = await RawWebSocket.open(Number(serving.url.port));
  raw.begin();
  await raw.told();
  raw.write({ opcode: TEXT, payload: JSON.stringify(ask('1')) });
  await expect.poll(() => raw.count(TEXT)).toBe(2);
  const cutOff = once(raw.socket, 'close');
  const closed = serving[Symbol.asyncDispose]();
  expect(await raw.closeCode()).toBe(1_001);
  await change(store);
  await clock.advance(1_000);
  await Promise.all([cutOff, closed]);
  expect(raw.count(TEXT)).toBe(2);
});

it('messages that come all at once are understood as if they had come one by one', async () => {
  const store = await storeOfOne();
  await using serving = await serve(store);
  const raw = await RawWebSocket.open(Number(serving.url.port));
  const said = [
    { type: 'connection_init' },
    ...['1', '2', '3', '4'].map(ask),
    end('2'),
    ask('5'),
    end('4'),
    ask('4'),
  ];
  // As a browser that comes back sends them; the first must be answered before the others.
  raw.write({ opcode: TEXT, payload: JSON.stringify(said[0]) });
  await raw.told();
  raw.socket.write(
    Buffer.concat(
      said
        .slice(1)
        .map((message) => encodeFrame({ opcode: TEXT, payload: JSON.stringify(message) })),
    ),
  );
  const ACK = 1;
  await expect.poll(() => raw.count(TEXT)).toBe(ACK + 4);
  await change(store);
  // Those of 1, 3, 5 and the second 4.
  await expect.poll(() => raw.count(TEXT)).toBe(ACK + 8);
  raw.write(
    ...['1', '3', '4', '5'].map((id) => ({ opcode: TEXT, payload: JSON.stringify(end(id)) })),
    { opcode: TEXT, payload: JSON.stringify(ask('6')) },
  );
  await expect.poll(() => raw.count(TEXT)).toBe(ACK + 9);
  await change(store);
  await expect.poll(() => raw.count(TEXT)).toBe(ACK + 10);
  raw.leave();
});

/** Another question than the one that subscriptions ask here. */
const OTHERS: readonly (readonly [string, string])[] = [
  ['a query', `{ topup(id: "${ORDER_ID}") { isFinal } }`],
  ['a query of no order', '{ __typename }'],
  ['a subscription', `subscription { topupStatus(id: "${ORDER_ID}") { isFinal } }`],
  [
    'a subscription to nothing',
    `subscription { topupStatus(id: "${'e'.repeat(24)}") { isFinal } }`,
  ],
  ['what is no operation', 'nothing'],
];

describe('an id whose client has enough before there is an answer', () => {
  for (const [name, query] of OTHERS) {
    it(`is that of what it asks for next, after ${name}`, async () => {
      const store = await storeOfOne();
      const watch = new CountingWatch();
      await using serving = await serve(store, { watch });
      using client = await begin(serving);
      const other = { id: '1', type: 'subscribe', payload: { query } };
      client.sayAtOnce(other, end('1'), other, end('1'), ask('1'));
      await client.hears(next('1', 1));
      await change(store);
      await client.hears(next('1', 2));
      client.say(end('1'), { type: 'ping' });
      await client.hears({ type: 'pong' });
      expect(watch.watching).toBe(0);
      await change(store);
      client.sayAtOnce(other, end('1'), ask('1'), end('1'), ask('2'));
      await client.hears(next('2', 3));
      client.socket.terminate();
      await expect.poll(() => watch.watching).toBe(0);
    });
  }

  it('has no room for two', async () => {
    await using serving = await serve(await storeOfOne());
    using client = await begin(serving);
    client.sayAtOnce(ask('1'), end('1'), ask('1'), ask('1'));
    const [code, reason] = await once(client.socket, 'close');
    expect([code, String(reason)]).toEqual([4_409, 'Subscriber already exists']);
  });

  it('is not to be used twice, while its client waits for the answer', async () => {
    await using serving = await serve(await storeOfOne());
    using client = await begin(serving);
    const query = { id: '1', type: 'subscribe', payload: { query: '{ __typename }' } };
    client.sayAtOnce(query, query);
    const [code, reason] = await once(client.socket, 'close');
    expect([code, String(reason)]).toEqual([4_409, 'Subscriber for 1 already exists']);
  });

  it("is nobody's once its client has gone", async () => {
    const store = await storeOfOne();
    const found = Promise.withResolvers<TopupView | null>();
    const asked = Promise.withResolvers<void>();
    const topups = {
      lookup: () => {
        asked.resolve();
        return found.promise;
      },
    };
    const watch = new CountingWatch();
    await using serving = await serve(store, { watch, topups });
    using client = await begin(serving);
    client.sayAtOnce(
      { id: '1', type: 'subscribe', payload: { query: `{ topup(id: "${ORDER_ID}") { id } }` } },
      end('1'),
      ask('1'),
      ask('2'),
    );
    await asked.promise;
    await client.hears(next('2', 1));
    expect(watch.watching).toBe(1);
    client.socket.terminate();
    await expect.poll(() => watch.watching).toBe(0);
    found.resolve(null);
    await settle();
    expect(watch.watching).toBe(0);
  });
});

describe('a client', () => {
  it('that leaves gives its place to another, time after time', async () => {
    await using serving = await serve(await storeOfOne(), { limits: { connectionsPerAddress: 2 } });
    for (let nth = 0; nth < 9; nth += 1) {
      const client = await begin(serving);
      const left = once(client.socket, 'close');
      client.socket.close();
      await left;
    }
    expect(serving.refusals).toEqual([]);
  });

  const INTERVAL_MS = 12_000;

  it('that gives no sign of life is cut off, one that does stays', async () => {
    const clock = new ManualClock();
    await using serving = await serve(await storeOfOne(), { clock });
    using alive = await begin(serving);
    const silent = new WebSocket(serving.url.href.replace('http', 'ws'), 'graphql-transport-ws', {
      autoPong: false,
    });
    await once(silent, 'open');
    silent.send('{"type":"connection_init"}');
    await once(silent, 'message');
    const asked = [once(silent, 'ping'), once(alive.socket, 'ping')];
    await clock.advance(2 * INTERVAL_MS - 1);
    await Promise.all(asked);
    // Its answer is there once the gateway has answered what was said after it.
    alive.say({ type: 'ping' });
    await alive.hears({ type: 'pong' });
    expect(silent.readyState).toBe(WebSocket.OPEN);
    const gone = once(silent, 'close');
    await clock.advance(INTERVAL_MS);
    await gone;
    expect(alive.socket.readyState).toBe(WebSocket.OPEN);
  });

  // A proxy would take the connection for an idle one.
  it('is pinged as often though slow clients are given longer', async () => {
    const clock = new ManualClock();
    const limits = { slowClientTimeoutMs: 10 * INTERVAL_MS };
    await using serving = await serve(await storeOfOne(), { clock, limits });
    using client = await begin(serving);
    for (let nth = 1; nth <= 3; nth += 1) {
      const asked = once(client.socket, 'ping');
      await clock.advance(INTERVAL_MS);
      await asked;
    }
  });

  it('is answered its own pings, with what they hold, once each', async () => {
    await using serving = await serve(await storeOfOne());
    using client = await begin(serving);
    const answers: string[] = [];
    client.socket.on('pong', (data) => answers.push(String(data)));
    client.socket.ping('are you there');
    client.say({ type: 'ping' });
    await client.hears({ type: 'pong' });
    expect(answers).toEqual(['are you there']);
  });

  it('that has begun is not closed for being slow to begin; one that has not, is, when its time is up', async () => {
    const clock = new ManualClock();
    const limits = { connectionInitTimeoutMs: 1_000 };
    await using serving = await serve(await storeOfOne(), { clock, limits });
    // What the clock of the machine is set to plays no part in this.
    clock.set(24 * 3_600_000);
    using client = await begin(serving);
    const late = new WebSocket(serving.url.href.replace('http', 'ws'), 'graphql-transport-ws');
    await once(late, 'open');
    await clock.advance(999);
    expect(serving.refusals).toEqual([]);
    const closed = once(late, 'close');
    await clock.advance(1);
    const [code, reason] = await closed;
    expect([code, String(reason)]).toEqual([4_408, 'Connection initialisation timeout']);
    client.say(ask('1'));
    await client.hears(next('1', 1));
    expect(serving.refusals).toEqual(['connection_init']);
  });
});
