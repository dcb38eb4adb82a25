import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import type { Topups } from '../../src/core/topups.ts';
import { viewOf } from '../../src/core/view.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { ORDER_ID, observation } from '../support/observations.ts';
import { statusesIn } from '../support/raw-http.ts';
import { type Serving, serve } from '../support/serving.ts';
import { bearer, type Claims, SECRET_AUTH } from '../support/tickets.ts';

const QUERY = `query Q($id: ID!, $n: Int = 2) { topup(id: $id) { id status refundMessage history(first: $n) { edges { cursor } } } }`;
const BODY = JSON.stringify({ query: QUERY, variables: { id: ORDER_ID } });
const REFUND = 'رقم الهاتف غير صحيح 📞';

/** A log with a settled order, and who looks it up. */
async function settledOrder(): Promise<{ readonly store: Store; readonly topups: Topups }> {
  const store = createMemoryStore({ logId: 'log' });
  const told = { upstreamStatus: 'REFUNDED', refundMessage: REFUND };
  const { order } = await store.record(observation(told), () => null);
  const topups: Topups = {
    lookup: async (orderId) => (orderId === ORDER_ID ? viewOf(order, order.checkedAt) : null),
  };
  return { store, topups };
}

interface Scene extends Serving {
  /** How many answers came from memory. */
  readonly remembered: () => number;
}

async function open(options: Parameters<typeof serve>[1] = {}, log?: Store): Promise<Scene> {
  const { store, topups } = await settledOrder();
  let count = 0;
  const onRemembered = () => {
    count += 1;
  };
  const serving = await serve(log ?? store, { topups, onRemembered, ...options });
  return { ...serving, remembered: () => count };
}

function rawPost(
  body: string | Buffer,
  { host = 'localhost', headers = '', version = '1.1' } = {},
): Buffer {
  const length = Buffer.byteLength(body);
  const named = host === '' ? '' : `Host: ${host}\r\n`;
  const head = `POST /graphql HTTP/${version}\r\n${named}Content-Type: application/json\r\nContent-Length: ${length}\r\n${headers}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)]);
}

async function connectTo({ url }: Pick<Serving, 'url'>): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: Number(url.port) });
  await once(socket, 'connect');
  return socket;
}

async function say(scene: Pick<Serving, 'url'>, ...said: readonly Buffer[]): Promise<string> {
  const socket = await connectTo(scene);
  socket.write(Buffer.concat(said));
  return text(socket);
}

const CLOSE = 'Connection: close\r\n';

/** Has the server remember the answer to a request. */
async function learn(scene: Scene): Promise<void> {
  for (let nth = 0; nth < 2; nth += 1) {
    expect(statusesIn(await say(scene, rawPost(BODY, { headers: CLOSE })))).toEqual([200]);
  }
  expect(scene.remembered()).toBe(1);
}

describe('an answer that is remembered', () => {
  it('is not for a request of two names', async () => {
    await using scene = await open();
    await learn(scene);
    const headers = `Host: evil.example\r\n${CLOSE}`;
    expect(statusesIn(await say(scene, rawPost(BODY, { headers })))).toEqual([421]);
  });

  it('of a request without a name is not for one whose name is empty', async () => {
    await using scene = await open();
    for (let nth = 0; nth < 2; nth += 1) {
      const answer = await say(scene, rawPost(BODY, { host: '', version: '1.0' }));
      expect(statusesIn(answer)).toEqual([200]);
    }
    expect(statusesIn(await say(scene, rawPost(BODY, { host: ' ', headers: CLOSE })))).toEqual([
      421,
    ]);
  });

  it('is not given to a ticket that is over', async () => {
    const clock = new ManualClock();
    await using scene = await open({ auth: SECRET_AUTH, clock });
    const exp = clock.now() / 1_000 + 30;
    const claims = { topups: [ORDER_ID], scope: 'status', exp };
    const tickets = [
      await bearer(claims),
      await bearer({ ...claims, jti: 'another', exp: exp + 9 }),
    ];
    const ask = async (authorization = '') => {
      const headers = { 'content-type': 'application/json', authorization };
      return (await fetch(scene.url, { method: 'POST', headers, body: BODY })).status;
    };
    const [one, other] = tickets;
    expect([await ask(one), await ask(one), await ask(other), await ask(other)]).toEqual([
      200, 200, 200, 200,
    ]);
    // What two tickets allow is the same; who has neither gets nothing of it.
    expect(scene.remembered()).toBe(2);
    await clock.advance(60_000);
    expect([await ask(one), await ask(other)]).toEqual([401, 200]);
  });

  it('is given to nobody whose ticket allows less', async () => {
    const clock = new ManualClock();
    await using scene = await open({ auth: SECRET_AUTH, clock });
    const exp = clock.now() / 1_000 + 30;
    const ask = async (claims: Pick<Claims, 'topups' | 'scope'>) => {
      const authorization = await bearer({ ...claims, exp });
      const headers = { 'content-type': 'application/json', authorization };
      return (await fetch(scene.url, { method: 'POST', headers, body: BODY })).text();
    };
    const topups = [ORDER_ID];
    for (let nth = 1; nth <= 3; nth += 1)
      expect(await ask({ topups, scope: 'status' })).toContain(REFUND);
    expect(scene.remembered()).toBe(2);
    // Each twice: whether its ticket was seen before makes no difference.
    for (const less of [
      { topups: ['f'.repeat(24)], scope: 'status' },
      { topups, scope: 'operator' },
    ])
      for (let nth = 1; nth <= 2; nth += 1) expect(await ask(less)).not.toContain(REFUND);
    expect(scene.remembered()).toBe(2);
  });

  it('is given to no page of another origin, whose answer names that origin', async () => {
    const allowedOrigins = ['https://shop.example', 'https://other.example'];
    await using scene = await open({ allowedOrigins });
    const namedFor = async (origin: string) => {
      const headers = { 'content-type': 'application/json', origin };
      const { headers: told } = await fetch(scene.url, { method: 'POST', headers, body: BODY });
      return told.get('access-control-allow-origin');
    };
    for (const origin of [...allowedOrigins, ...allowedOrigins])
      expect(await namedFor(origin)).toBe(origin);
    expect(scene.remembered()).toBe(2);
  });

  it('has a request id of its own, and a line in the log', async () => {
    await using scene = await open();
    await learn(scene);
    const headers = { 'content-type': 'application/json', 'x-request-id': 'from-the-shop' };
    const ask = () => fetch(scene.url, { method: 'POST', headers, body: BODY });
    await (await ask()).text();
    const before = scene.remembered();
    const answer = await ask();
    await answer.text();
    expect(scene.remembered()).toBe(before + 1);
    expect(answer.headers.get('x-request-id')).toBe('from-the-shop');
    const lines = scene.logger.lines.filter(
      ({ fields }) => fields['requestId'] === 'from-the-shop',
    );
    expect(
      lines.map(({ level, message, fields }) => [level, message, fields['httpStatus']]),
    ).toEqual([
      ['debug', 'request', 200],
      ['debug', 'request', 200],
    ]);
    expect(Object.keys(lines[0]?.fields ?? {})).toEqual(Object.keys(lines[1]?.fields ?? {}));
  });
});

describe('a known operation with other variables', () => {
  it('is remembered once it was asked for twice, so that memory is not filled with what nobody asks again', async () => {
    await using scene = await open();
    const ask = async (n: number) => {
      const body = JSON.stringify({ query: QUERY, variables: { id: ORDER_ID, n } });
      const response = await fetch(scene.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      expect(await response.text()).toContain('REFUNDED');
      return scene.remembered();
    };
    expect(await ask(2)).toBe(0);
    const others = [await ask(1), await ask(1), await ask(1), await ask(1)];
    expect(others).toEqual([0, 0, 1, 2]);
  });
});

describe('a known operation that is asked for while it runs', () => {
  /** Lookups that wait until they are let go. */
  async function waiting() {
    const { store, topups } = await settledOrder();
    const waiters: (() => void)[] = [];
    const lookups: Topups = {
      async lookup(orderId) {
        const { promise, resolve } = Promise.withResolvers<void>();
        waiters.push(resolve);
        await promise;
        return topups.lookup(orderId);
      },
    };
    const scene = await open({ topups: lookups }, store);
    const ask = async (n: number) => {
      const body = JSON.stringify({ query: QUERY, variables: { id: ORDER_ID, n } });
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(scene.url, { method: 'POST', headers, body });
      return response.text();
    };
    const letGo = () => {
      for (const resolve of waiters.splice(0)) resolve();
    };
    const looked = (times: number) => expect.poll(() => waiters.length).toBe(times);
    const first = ask(9);
    await looked(1);
    letGo();
    await first;
    return { scene, store, ask, letGo, looked, waiters };
  }

  it('runs once for all of them', async () => {
    const { scene, ask, letGo, looked, waiters } = await waiting();
    await using _ = scene;
    const first = ask(1);
    await looked(1);
    const others = Array.from({ length: 20 }, () => ask(1));
    // Another question is a run of its own, and by then those before it have come.
    const another = ask(3);
    await looked(2);
    letGo();
    const answers = await Promise.all([first, ...others]);
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toContain('REFUNDED');
    expect(await another).toContain('REFUNDED');
    expect(waiters).toHaveLength(0);
  });

  it('runs for each client by itself, since each has an allowance of its own', async () => {
    const { store } = await settledOrder();
    const { promise, resolve } = Promise.withResolvers<null>();
    let looked = 0;
    const lookup = () => {
      looked += 1;
      return looked === 1 ? Promise.resolve(null) : promise;
    };
    await using scene = await open({ topups: { lookup }, limits: { trustedProxies: 1 } }, store);
    const ask = (from: string, id: string) => {
      const headers = { 'content-type': 'application/json', 'x-forwarded-for': from };
      const body = JSON.stringify({ query: QUERY, variables: { id } });
      return fetch(scene.url, { method: 'POST', headers, body });
    };
    await ask('10.0.0.1', 'e'.repeat(24));
    const answers = ['10.0.0.1', '10.0.0.2'].map((from) => ask(from, ORDER_ID));
    await expect.poll(() => looked).toBe(3);
    resolve(null);
    await Promise.all(answers);
  });

  it('runs anew for whoever asks after its order was written', async () => {
    const { scene, store, ask, letGo, looked } = await waiting();
    await using _ = scene;
    const first = ask(1);
    await looked(1);
    const checked = { upstreamStatus: 'REFUNDED', observedAt: Date.UTC(2027, 0, 1) };
    await store.record(observation(checked), () => null);
    const second = ask(1);
    await looked(2);
    letGo();
    expect(await first).toBe(await second);
  });

  it('runs anew for whoever asks when a part that was there at once is too old', async () => {
    const FRESH_MS = 5_000;
    const clock = new ManualClock();
    const store = createMemoryStore({ logId: 'log' });
    const { order } = await store.record(observation({ observedAt: clock.now() }), () => null);
    const looked: string[] = [];
    const late = Promise.withResolvers<null>();
    const topups: Topups = {
      async lookup(orderId) {
        looked.push(orderId);
        return orderId === ORDER_ID ? viewOf(order, clock.now()) : late.promise;
      },
    };
    await using scene = await open({ topups, clock }, store);
    const ask = async (ids: readonly string[]) => {
      const query = 'query ($ids: [ID!]!) { topups(ids: $ids) { checkedAt } }';
      const body = JSON.stringify({ query, variables: { ids } });
      const headers = { 'content-type': 'application/json' };
      return (await fetch(scene.url, { method: 'POST', headers, body })).text();
    };
    await ask([ORDER_ID]);
    const both = [ORDER_ID, 'f'.repeat(24)];
    const answers = [ask(both)];
    await expect.poll(() => looked).toHaveLength(3);
    await clock.advance(FRESH_MS);
    // Another question is a run of its own, and by then the one before it has come.
    answers.push(ask(both));
    await ask([ORDER_ID, ORDER_ID]);
    await expect.poll(() => looked).toHaveLength(4);
    await clock.advance(1);
    answers.push(ask(both));
    await expect.poll(() => looked).toHaveLength(6);
    late.resolve(null);
    await Promise.all(answers);
    expect(looked).toHaveLength(6);
  });
});

describe('a usual request', () => {
  it('may come in pieces, whatever they are', async () => {
    await using scene = await open();
    const body = JSON.stringify({ query: `${QUERY} # ${REFUND}`, variables: { id: ORDER_ID } });
    const whole = rawPost(body, { headers: CLOSE });
    const expected = await say(scene, whole);
    expect(expected).toContain(REFUND);
    const socket = await connectTo(scene);
    socket.setNoDelay(true);
    const answer = text(socket);
    for (const byte of whole) {
      await new Promise<void>((resolve) => socket.write(Buffer.of(byte), () => resolve()));
      // Else the server, which is in this process, would find many of them at once.
      await nextTurn();
    }
    const bodyOf = (raw: string) => raw.slice(raw.indexOf('\r\n\r\n'));
    expect(bodyOf(await answer)).toBe(bodyOf(expected));
  });

  it('may follow another before that is answered; each gets its answer, in order', async () => {
    await using scene = await open();
    await learn(scene);
    const fresh = JSON.stringify({ query: '{ __typename }' });
    const answer = await say(
      scene,
      rawPost(fresh),
      rawPost(BODY),
      rawPost(fresh),
      rawPost(BODY, { headers: CLOSE }),
    );
    expect(statusesIn(answer)).toEqual([200, 200, 200, 200]);
    const order = [...answer.matchAll(/__typename|"topup"/g)].map(([found]) => found);
    expect(order).toEqual(['__typename', '"topup"', '__typename', '"topup"']);
  });

  it('whose sender leaves in the middle does no harm', async () => {
    await using scene = await open();
    const half = rawPost(BODY).subarray(0, -10);
    const [politely, rudely] = [await connectTo(scene), await connectTo(scene)];
    politely.end(half);
    expect(statusesIn(await text(politely))).toEqual([400]);
    rudely.write(half, () => rudely.destroy());
    await once(rudely, 'close');
    await learn(scene);
  });

  it('that is on its way at shutdown is still answered', async () => {
    await using scene = await open();
    await learn(scene);
    const requests = [rawPost(BODY), rawPost(JSON.stringify({ query: '{ __typename }' }))];
    const halfway = requests.map(async (whole) => {
      const socket = await connectTo(scene);
      socket.write(whole.subarray(0, -5));
      return { socket, rest: whole.subarray(-5), answer: text(socket) };
    });
    const sent = await Promise.all(halfway);
    // Whoever comes later is answered later: by then the halves are there.
    await say(scene, rawPost(BODY, { headers: CLOSE }));
    const closed = scene[Symbol.asyncDispose]();
    for (const { socket, rest } of sent) socket.write(rest);
    for (const answer of await Promise.all(sent.map((half) => half.answer))) {
      expect(statusesIn(answer)).toEqual([200]);
      expect(answer).toMatch(/^connection: close\r$/im);
    }
    await closed;
  });
});
