import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { viewOf } from '../../src/core/view.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { ORDER_ID, observation } from '../support/observations.ts';
import { type Serving, serve } from '../support/serving.ts';
import { bearer, type Claims, SECRET_AUTH } from '../support/tickets.ts';

const OTHER_ID = 'f'.repeat(24);
const UNKNOWN_ID = 'e'.repeat(24);
const CARD = '123456789012';
const TICKET_SECONDS = 60;
const TOLERANCE_SECONDS = 30;

interface Scene extends Serving {
  readonly clock: ManualClock;
  readonly looked: readonly string[];
  readonly ticket: (claims?: Claims) => Promise<string>;
  readonly settle: () => Promise<void>;
}

/** Two orders in the log, and a ticket for one of them. */
async function open(): Promise<Scene> {
  const clock = new ManualClock();
  const store = createMemoryStore({ logId: 'log' });
  const looked: string[] = [];
  for (const orderId of [ORDER_ID, OTHER_ID]) {
    await store.record(observation({ orderId, cardCode: CARD }), () => null);
  }
  const topups = {
    async lookup(orderId: string) {
      looked.push(orderId);
      const order = await store.find(orderId);
      return order === undefined ? null : viewOf(order, clock.now());
    },
  };
  const serving = await serve(store, { topups, auth: SECRET_AUTH, clock });
  const exp = clock.now() / 1_000 + TICKET_SECONDS;
  const settle = async () => {
    for (const orderId of [ORDER_ID, OTHER_ID]) {
      const settled = {
        orderId,
        upstreamStatus: 'FULFILLED',
        cardCode: CARD,
        observedAt: clock.now(),
      };
      await store.record(observation(settled), () => null);
    }
  };
  const ticket = (claims: Claims = {}) =>
    bearer({ topups: [ORDER_ID], scope: 'status', exp, ...claims });
  return { ...serving, clock, looked, ticket, settle };
}

let scene: Scene;
beforeEach(async () => {
  scene = await open();
  return () => scene[Symbol.asyncDispose]();
});

interface Body {
  readonly data?: unknown;
  readonly errors?: readonly {
    readonly message: string;
    readonly path?: readonly (string | number)[];
    readonly extensions: { readonly code: string };
  }[];
}

async function post(query: string, authorization?: string) {
  const response = await fetch(scene.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
    body: JSON.stringify({ query }),
  });
  const body = (await response.json()) as Body;
  const errors = (body.errors ?? []).map(({ path = [], extensions }) => [
    path.join('.'),
    extensions.code,
  ]);
  return { status: response.status, body, errors };
}

const CARD_QUERY = `{ topup(id: "${ORDER_ID}") { status cardCode history { edges { node { version cardCode } } } } }`;

describe('a query', () => {
  it('without a ticket, or with a bad one, is told that one is needed', async () => {
    for (const authorization of [undefined, 'Bearer a.b.c', 'Basic eHg=']) {
      const { status, errors } = await post(CARD_QUERY, authorization);
      expect(status).toBe(401);
      expect(errors[0]?.[1]).toBe('UNAUTHENTICATED');
    }
    expect(scene.looked).toEqual([]);
  });

  it('reads an order that the ticket names, and its cards where the scope says so', async () => {
    const { status, body } = await post(CARD_QUERY, await scene.ticket({ scope: 'card status' }));
    expect(status).toBe(200);
    expect(body).toEqual({
      data: {
        topup: {
          status: 'HANDLING',
          cardCode: CARD,
          history: { edges: [{ node: { version: 1, cardCode: CARD } }] },
        },
      },
    });
  });

  it('without the scope for cards gets null and an error in their place, and all the rest', async () => {
    const { status, body, errors } = await post(CARD_QUERY, await scene.ticket());
    expect(status).toBe(200);
    expect(body.data).toEqual({
      topup: {
        status: 'HANDLING',
        cardCode: null,
        history: { edges: [{ node: { version: 1, cardCode: null } }] },
      },
    });
    expect(errors).toEqual([
      ['topup.cardCode', 'FORBIDDEN'],
      ['topup.history.edges.0.node.cardCode', 'FORBIDDEN'],
    ]);
  });

  it('for another order gets what it gets for one that does not exist, and nobody is asked', async () => {
    const query = (id: string) => `{ topup(id: "${id}") { id } topups(ids: ["${id}"]) { id } }`;
    const ticket = await scene.ticket();
    const [foreign, unknown] = [
      await post(query(OTHER_ID), ticket),
      await post(query(UNKNOWN_ID), ticket),
    ];
    expect(foreign).toEqual(unknown);
    expect(foreign.body).toEqual({ data: { topup: null, topups: [null] } });
    expect(scene.looked).toEqual([]);
  });

  it('for the gateway needs the scope for operators', async () => {
    const { errors } = await post(
      '{ gateway { logId } }',
      await scene.ticket({ topups: '*', scope: 'status card' }),
    );
    expect(errors).toEqual([['gateway', 'FORBIDDEN']]);
  });

  it('for an order needs the scope for states, whatever else there is', async () => {
    const ticket = await scene.ticket({ topups: '*', scope: 'operator card' });
    expect((await post(CARD_QUERY, ticket)).errors).toEqual([['topup', 'FORBIDDEN']]);
    const many = `{ topups(ids: ["${ORDER_ID}"]) { status cardCode } }`;
    expect((await post(many, ticket)).errors).toEqual([['topups', 'FORBIDDEN']]);
    expect(scene.looked).toEqual([]);
  });
});

it('the metrics need the scope for operators; health needs nothing, and tells nothing of orders', async () => {
  const statusOf = async (path: string, authorization?: string) => {
    const headers = authorization === undefined ? {} : { authorization };
    const response = await fetch(new URL(path, scene.url), { headers });
    await response.arrayBuffer();
    return response.status;
  };
  expect(await statusOf('/metrics')).toBe(401);
  expect(await statusOf('/metrics', 'Bearer a.b.c')).toBe(401);
  expect(
    await statusOf('/metrics', await scene.ticket({ topups: '*', scope: 'status card' })),
  ).toBe(403);
  expect(await statusOf('/metrics', await scene.ticket({ topups: [], scope: 'operator' }))).toBe(
    200,
  );
  expect(await statusOf('/health/live')).toBe(200);
});

it('a page of another name that points here is turned away where no tickets are asked for', async () => {
  await using open = await serve(createMemoryStore());
  const path = `/graphql?query={topup(id:"${ORDER_ID}"){id}}`;
  for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:80']) {
    expect(await rawGet(path, host, open)).toMatch(/^HTTP\/1.1 421 /);
    expect(await rawGet(path, host)).toMatch(/^HTTP\/1.1 401 /);
  }
  expect(await rawGet(path, 'of.no.port:99999', open)).toMatch(/^HTTP\/1.1 421 /);
  for (const host of ['localhost:9', '127.0.0.1', '[::1]:4000']) {
    expect(await rawGet('/health/live', host)).toMatch(/^HTTP\/1.1 200 /);
  }
});

async function rawGet(path: string, host: string, { url }: Serving = scene): Promise<string> {
  const socket = connect(Number(url.port));
  socket.end(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  return text(socket);
}

const followed = (id: string, fields: string, after = '') =>
  `subscription { topupStatus(id: "${id}"${after && `, after: "${after}"`}) { ${fields} } }`;

describe('a subscription over server-sent events', () => {
  async function stream(query: string, authorization: string) {
    const response = await fetch(scene.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization },
      body: JSON.stringify({ query }),
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let told = '';
    return {
      async until(pattern: RegExp) {
        while (!pattern.test(told)) {
          const { value, done } = (await reader?.read()) ?? { done: true };
          if (done) throw new Error(`the stream ended: ${told}`);
          told += value;
        }
        return told;
      },
    };
  }

  it('ends with an error when the ticket does, and sees nothing of what comes then', async () => {
    const events = await stream(followed(ORDER_ID, 'status'), await scene.ticket());
    await events.until(/HANDLING/);
    await scene.clock.advance((TICKET_SECONDS + TOLERANCE_SECONDS) * 1_000);
    await scene.settle();
    const told = await events.until(/event: complete/);
    expect(told).toMatch(/UNAUTHENTICATED/);
    expect(told).not.toMatch(/FULFILLED/);
  });

  it('shows a card only to the scope for cards, with every event', async () => {
    const events = await stream(followed(ORDER_ID, 'status cardCode'), await scene.ticket());
    await events.until(/HANDLING/);
    await scene.settle();
    const told = await events.until(/event: complete/);
    expect(told.match(/FORBIDDEN/g)).toHaveLength(2);
    expect(told).not.toContain(CARD);
  });

  it('of another order ends as that of one that does not exist, cursor or not', async () => {
    const cursor = Buffer.from('log@0').toString('base64url');
    const ticket = await scene.ticket();
    for (const after of ['', cursor]) {
      const told = await (await stream(followed(OTHER_ID, 'status', after), ticket)).until(
        /event: complete/,
      );
      expect(told).toMatch(/"OneClickDz knows no top-up with this id\."/);
      expect(told).toMatch(/TOPUP_NOT_FOUND/);
    }
  });
});

describe('a WebSocket', () => {
  async function open(connectionParams: unknown, headers: Record<string, string> = {}) {
    const url = scene.url.href.replace('http', 'ws');
    const socket = new WebSocket(url, 'graphql-transport-ws', { headers });
    const closed = once(socket, 'close').then(([code, reason]) => ({
      code,
      reason: String(reason),
    }));
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init', payload: connectionParams }));
    const next = async () => JSON.parse(String((await once(socket, 'message'))[0]));
    const subscribe = (query: string) =>
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));
    return { socket, closed, next, subscribe };
  }

  it('with a bad ticket is closed, and told what is wrong with it', async () => {
    const reasonFor = async (authorization: string) => {
      const { code, reason } = await (await open({ authorization })).closed;
      expect(code).toBe(4403);
      return reason;
    };
    expect(await reasonFor('Bearer a.b.c')).toBe('The ticket is not valid.');
    expect(await reasonFor('Bearer <html>')).toMatch(/^Expected a ticket/);
    const vague = await scene.ticket({ scope: 7 });
    expect(await reasonFor(vague)).toMatch(/^The ticket must have `exp`.*`topups`.*`scope`/);
  });

  it('without a ticket is told with each operation that one is needed', async () => {
    const { socket, next, subscribe } = await open(undefined);
    expect(await next()).toMatchObject({ type: 'connection_ack' });
    subscribe(followed(ORDER_ID, 'status'));
    expect(await next()).toMatchObject({
      payload: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
    });
    socket.close();
  });

  it('takes the ticket of its request, as a server sends it, unless its parameters hold one', async () => {
    const { ticket } = scene;
    const shown = async (params: unknown, headers: Record<string, string>) => {
      const { socket, next, subscribe } = await open(params, headers);
      await next();
      subscribe(`{ topup(id: "${ORDER_ID}") { status } }`);
      const { payload } = await next();
      socket.close();
      return payload;
    };
    const status = { data: { topup: { status: 'HANDLING' } } };
    expect(await shown(undefined, { authorization: await ticket() })).toEqual(status);
    const other = { authorization: await ticket({ topups: [OTHER_ID] }) };
    expect(await shown({ authorization: await ticket() }, other)).toEqual(status);
    expect(await shown(other, { authorization: await ticket() })).toEqual({
      data: { topup: null },
    });
  });

  it('is closed when the ticket expires, and sees nothing of what comes then', async () => {
    const { closed, next, subscribe, socket } = await open({ Authorization: await scene.ticket() });
    await next();
    subscribe(followed(ORDER_ID, 'status'));
    expect(await next()).toMatchObject({
      payload: { data: { topupStatus: { status: 'HANDLING' } } },
    });
    const later: string[] = [];
    socket.on('message', (message) => later.push(String(message)));
    await scene.clock.advance((TICKET_SECONDS + TOLERANCE_SECONDS) * 1_000);
    await scene.settle();
    expect(await closed).toEqual({ code: 4403, reason: 'the ticket has expired' });
    expect(later.join()).not.toMatch(/FULFILLED/);
  });

  it('is closed as well if an event comes after its ticket expired, but before that is noticed', async () => {
    const { closed, next, subscribe, socket } = await open({ Authorization: await scene.ticket() });
    await next();
    subscribe(followed(ORDER_ID, 'status'));
    await next();
    const later: string[] = [];
    socket.on('message', (message) => later.push(String(message)));
    // No timer goes off.
    scene.clock.set((TICKET_SECONDS + TOLERANCE_SECONDS) * 1_000);
    await scene.settle();
    // Had the subscription been completed, its client would not come back with a new ticket by itself.
    expect(await closed).toEqual({ code: 4403, reason: 'the ticket has expired' });
    expect(later).toEqual([]);
  });

  it('is closed as well if a query comes after its ticket expired, which is not answered', async () => {
    const { closed, next, subscribe, socket } = await open({ Authorization: await scene.ticket() });
    await next();
    const later: string[] = [];
    socket.on('message', (message) => later.push(String(message)));
    // No timer goes off.
    scene.clock.set((TICKET_SECONDS + TOLERANCE_SECONDS) * 1_000);
    subscribe(`{ topup(id: "${ORDER_ID}") { status } }`);
    expect(await closed).toEqual({ code: 4403, reason: 'the ticket has expired' });
    expect(later).toEqual([]);
  });

  it('keeps to the ticket that it was opened with', async () => {
    const { socket, next, subscribe } = await open({ authorization: await scene.ticket() });
    await next();
    subscribe(`{ topup(id: "${OTHER_ID}") { id } }`);
    expect(await next()).toMatchObject({ payload: { data: { topup: null } } });
    socket.close();
  });

  it.each([
    ['who may see states', ['status', 'card', 'status card', '']],
    ['who may not', ['', 'operator', 'status', 'card']],
  ])('is given what its own ticket allows, whoever came before: first %s', async (_, scopes) => {
    for (const scope of [...scopes, ...scopes]) {
      const authorization = await scene.ticket({ scope });
      const { socket, next, subscribe } = await open({ authorization });
      await next();
      subscribe(followed(ORDER_ID, 'status cardCode'));
      const { payload } = await next();
      const words = scope.split(' ');
      const seen = {
        status: payload.data?.topupStatus?.status,
        cardCode: payload.data?.topupStatus?.cardCode ?? undefined,
        codes: payload.errors?.map(({ extensions }: { extensions: unknown }) => extensions),
      };
      const forbidden = [{ code: 'FORBIDDEN' }];
      const isSeen = words.includes('status');
      const isShown = isSeen && words.includes('card');
      expect([scope, seen]).toEqual([
        scope,
        {
          status: isSeen ? 'HANDLING' : undefined,
          cardCode: isShown ? CARD : undefined,
          codes: isShown ? undefined : forbidden,
        },
      ]);
      socket.close();
    }
  });
});
