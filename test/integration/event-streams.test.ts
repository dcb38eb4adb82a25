import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import type { Watch } from '../../src/core/topups.ts';
import type { Limits } from '../../src/limits/limits.ts';
import { SECURITY_HEADERS } from '../../src/transports/http/headers.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { ORDER_ID, observation } from '../support/observations.ts';
import { type Serving, type ServingOptions, serve, serveByYoga } from '../support/serving.ts';
import { bearer, SECRET_AUTH } from '../support/tickets.ts';

/*
 * Events over HTTP are not sent by Yoga, and whoever gets them must not be able to tell.
 */

const UNKNOWN_ID = 'e'.repeat(24);
const OTHER_ID = 'f'.repeat(24);
const ORIGIN = 'https://shop.example';
const TICKET_SECONDS = 60;
const TOLERANCE_SECONDS = 30;
const PING = ':\n\n';

const QUERY = `subscription Follow($id: ID!, $after: String) {
  topupStatus(id: $id, after: $after) { status version cursor refundMessage }
}`;

interface Scene {
  readonly store: Store;
  readonly clock: ManualClock;
}

/** What is asked, and what happens each time that an event has come. */
interface Case {
  readonly method?: 'GET';
  readonly accept?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly ask?: object;
  /** In place of what is asked, by GET. */
  readonly address?: string;
  /** In place of JSON. */
  readonly body?: string;
  /** What its ticket says; without it all is open to everybody. */
  readonly ticket?: object | 'none' | 'nonsense';
  readonly steps?: readonly ((scene: Scene) => unknown)[];
  /** Whether there is an event before anything happens. */
  readonly isAtOnce?: boolean;
  readonly limits?: Partial<Limits>;
  /** Whether the log cannot be read beyond the first state. */
  readonly isTorn?: boolean;
}

const write = (upstreamStatus: string) => async (scene: Scene) => {
  const told = { upstreamStatus, refundMessage: 'رقم الهاتف 📞\n\nevent: next', cardCode: '1234' };
  await scene.store.record(observation({ ...told, observedAt: scene.clock.now() }), () => null);
};
const settleOrder = write('FULFILLED');
const pass = (seconds: number) => (scene: Scene) => scene.clock.advance(seconds * 1_000);
const follow = (told: object = {}) => ({ query: QUERY, variables: { id: ORDER_ID, ...told } });
const cursor = (text: string) => Buffer.from(text).toString('base64url');
const live: Case['steps'] = [write('SENDING'), settleOrder];

/** What a client may make of an address that is usual. */
function byAddress(
  steps: Case['steps'],
  changes: Readonly<Record<string, (usual: string) => string>>,
): Readonly<Record<string, Case>> {
  return Object.fromEntries(
    Object.entries(changes).map(([name, change]) => {
      const asked = { method: 'GET', address: change(inAddress(follow())) } as const;
      return [`by GET, ${name}`, steps === undefined ? asked : { ...asked, steps }] as const;
    }),
  );
}

const ASKED: Readonly<Record<string, Case>> = {
  'a life to its end': { ask: follow(), steps: live },
  'several states at once': { ask: follow({ after: cursor('log@0') }), steps: live },
  'after the last state': { ask: follow({ after: cursor('log@3') }), steps: live, isAtOnce: false },
  'after a state of another log': { ask: follow({ after: cursor('other@1') }), steps: live },
  'after a state that is not there': { ask: follow({ after: cursor('log@99') }), steps: live },
  'after what is no cursor': { ask: follow({ after: '?' }) },
  'with the name of the operation': { ask: { ...follow(), operationName: 'Follow' }, steps: live },
  'with a wrong name': { ask: { ...follow(), operationName: 'Nope' } },
  'with extensions': { ask: { ...follow(), extensions: {} }, steps: live },
  'what nobody knows': { ask: { ...follow(), more: 1 } },
  'a card too': {
    ask: { query: `subscription { topupStatus(id: "${ORDER_ID}") { cardCode status } }` },
    steps: live,
  },
  'of an order that is not known': { ask: follow({ id: UNKNOWN_ID }) },
  'of what is no id': { ask: follow({ id: '?' }) },
  'without an id': { ask: { query: QUERY } },
  'with a list as id': { ask: follow({ id: [ORDER_ID] }) },
  'with a field that is not there': { ask: { query: 'subscription { nope }' } },
  'with no fields': { ask: { query: `subscription { topupStatus(id: "${ORDER_ID}") }` } },
  'that is no GraphQL': { ask: { query: 'subscription {' } },
  'that is no JSON': { body: '{' },
  'that is empty': { body: '' },
  'two at once': { ask: [follow(), follow()] },
  'that costs too much': {
    ask: {
      query: `subscription { topupStatus(id: "${ORDER_ID}") { history(first: 100) { edges { node { id } } } } }`,
    },
  },
  'with two fields at its root': {
    ask: {
      query: `subscription { a: topupStatus(id: "1") { id } b: topupStatus(id: "2") { id } }`,
    },
  },
  'a field that fails in each event': {
    ask: {
      query: `subscription { topupStatus(id: "${ORDER_ID}") { status history(first: -1) { edges { cursor } } } }`,
    },
    steps: live,
  },
  'a query': { ask: { query: '{ __typename }' } },
  'a query with an error': { ask: { query: '{ nope }' } },
  'a mutation': { ask: { query: 'mutation { __typename }' } },
  'by GET': { method: 'GET', ask: follow(), steps: live },
  'by GET, without an id': { method: 'GET', ask: { query: QUERY } },
  ...byAddress(live, {
    'with spaces as plus': (usual) => usual.replaceAll('%20', '+'),
    'with an escape that is no UTF-8': (usual) => usual.replace('FULL', '%ff'),
    'with extensions': (usual) => `${usual}&extensions={}`,
    'with what nobody knows': (usual) => `${usual}&more=1`,
    'with an id of a document': (usual) => `${usual}&documentId=1`,
    'with the question twice': (usual) => `${usual}&query={__typename}`,
    'with variables twice': (usual) => `${usual}&variables={}`,
    'with an empty name': (usual) => `${usual}&operationName=`,
    'with its name': (usual) => `${usual}&operationName=Follow`,
    'with an empty part': (usual) => `${usual}&&`,
    'with a part without a value': (usual) => `${usual}&operationName`,
  }),
  ...byAddress(undefined, {
    'with a broken escape': (usual) => `${usual}%zz`,
    'with a wrong name': (usual) => `${usual}&operationName=Nope`,
    'with variables that are no JSON': (usual) => `${usual}}`,
    'with variables that are a list': (usual) => usual.replace(/variables=.*/, 'variables=[]'),
    'with variables that are null': (usual) => usual.replace(/variables=.*/, 'variables=null'),
  }),
  'as a form': {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      query: QUERY,
      variables: JSON.stringify({ id: ORDER_ID }),
    }).toString(),
    steps: live,
  },
  'as a text': {
    headers: { 'content-type': 'application/graphql' },
    body: `subscription { topupStatus(id: "${ORDER_ID}") { status } }`,
    steps: live,
  },
  'as what it is not': { headers: { 'content-type': 'image/png' }, ask: follow() },
  'by a page that is allowed': { headers: { origin: ORIGIN }, ask: follow(), steps: live },
  ...Object.fromEntries(
    [
      null,
      '*/*',
      'text/*',
      'TEXT/Event-Stream',
      'text/event-stream;q=0.1, application/json',
      'application/json, text/event-stream',
      'text/event-stream; charset=latin1',
      'application/json',
      'application/graphql-response+json',
      'multipart/mixed',
      'image/png',
    ].map((accept) => [`accepting ${accept}`, { accept, ask: follow(), steps: live }]),
  ),
  'with a log that fails at once': { ask: follow({ id: OTHER_ID }) },
  'with a log that fails later': { ask: follow({ after: cursor('log@0') }), isTorn: true },
  'with a ticket': {
    ticket: {},
    ask: { query: `subscription { topupStatus(id: "${ORDER_ID}") { status cardCode } }` },
    steps: live,
  },
  'with a ticket for no cards': {
    ticket: { scope: 'status' },
    ask: { query: `subscription { topupStatus(id: "${ORDER_ID}") { status cardCode } }` },
    steps: live,
  },
  'with a ticket for another order': { ticket: { topups: [OTHER_ID] }, ask: follow() },
  'with a ticket for nothing': { ticket: { scope: '' }, ask: follow() },
  'with a ticket that is over': { ticket: { exp: 0 }, ask: follow() },
  'without a ticket': { ticket: 'none', ask: follow() },
  'with what is no ticket': { ticket: 'nonsense', ask: follow() },
  'with a ticket that ends': {
    ticket: {},
    ask: follow(),
    steps: [write('SENDING'), pass(TICKET_SECONDS + TOLERANCE_SECONDS)],
  },
};

/** Says at once that there is no such order. */
const denying: Watch = {
  watch: (orderId, onDenied) => {
    if (orderId === UNKNOWN_ID) queueMicrotask(onDenied);
    return () => undefined;
  },
};

/** An order of three states, and a log that fails where it should. */
async function open(
  start: (store: Store, options: ServingOptions) => Promise<Serving>,
  { ticket, limits, isTorn = false }: Case,
): Promise<Scene & Serving> {
  const clock = new ManualClock();
  const store = createMemoryStore({ logId: 'log' });
  const failing = (fails: boolean) => fails && Promise.reject(new Error('the disk'));
  const serving = await start(
    withReads(store, {
      find: (id) => failing(id === OTHER_ID) || store.find(id),
      read: (id, range) => failing(isTorn && range.after !== 0) || store.read(id, range),
    }),
    {
      clock,
      watch: denying,
      allowedOrigins: [ORIGIN],
      limits: { queryCost: 60, ...limits },
      ...(ticket === undefined ? {} : { auth: SECRET_AUTH }),
    },
  );
  const scene = { ...serving, store, clock };
  for (const status of ['HANDLING', 'CHECKING', 'WAITING']) await write(status)(scene);
  return scene;
}

/** The same store, but that it is read in another way. */
function withReads(store: Store, reads: Pick<Store, 'find' | 'read'>): Store {
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'find' || name === 'read') return reads[name];
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function headersFor(asked: Case, clock: ManualClock): Promise<Record<string, string>> {
  const { accept = 'text/event-stream', ticket, headers = {} } = asked;
  const exp = clock.now() / 1_000 + TICKET_SECONDS;
  const claims = { topups: [ORDER_ID], scope: 'status card', exp };
  const authorization =
    typeof ticket === 'object' ? await bearer({ ...claims, ...ticket }) : 'Bearer x.y.z';
  return {
    'content-type': 'application/json',
    ...(accept === null ? {} : { accept }),
    ...(ticket === undefined || ticket === 'none' ? {} : { authorization }),
    ...headers,
  };
}

async function send(asked: Case, scene: Scene & Serving): Promise<IncomingMessage> {
  const headers = await headersFor(asked, scene.clock);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  if (asked.method === 'GET') {
    const { 'content-type': _none, ...others } = headers;
    const url = `${scene.url}?${asked.address ?? inAddress(asked.ask)}`;
    request(url, { headers: others }, resolve).on('error', reject).end();
  } else {
    const body = asked.body ?? JSON.stringify(asked.ask);
    request(scene.url, { method: 'POST', headers }, resolve).on('error', reject).end(body);
  }
  return promise;
}

function inAddress(ask: object = {}): string {
  const { query, variables } = Object(ask);
  const told = variables === undefined ? {} : { variables: JSON.stringify(variables) };
  return new URLSearchParams({ query, ...told }).toString().replaceAll('+', '%20');
}

/** All that comes until the end, with what happens meanwhile. */
async function told(asked: Case, scene: Scene & Serving) {
  const response = await send(asked, scene);
  const { steps = [], isAtOnce = true } = asked;
  let body = '';
  let done = isAtOnce ? 0 : -1;
  for await (const piece of response.setEncoding('utf8')) {
    body += piece;
    for (; eventsIn(body) > done && done < steps.length; done += 1) {
      await settle();
      await steps[isAtOnce ? done : done + 1]?.(scene);
    }
  }
  return {
    status: response.statusCode,
    headers: shownOf(response),
    body: withOnePing(withoutIds(body)),
  };
}

function eventsIn(body: string): number {
  return body.match(/^event: next$/gm)?.length ?? 0;
}

/** Yoga gives events no ids. */
function withoutIds(body: string): string {
  return body.replaceAll(/^id: .*\n/gm, '');
}

/** How many there are is a matter of time. */
function withOnePing(body: string): string {
  return body.startsWith(PING) ? PING + body.replaceAll(/^:\n\n/gm, '') : body;
}

/** What our server says besides, or differs each time. */
const OTHERS: ReadonlySet<string | undefined> = new Set([
  'date',
  'keep-alive',
  'x-request-id',
  ...SECURITY_HEADERS,
]);

function shownOf({ rawHeaders }: IncomingMessage): readonly string[] {
  const shown: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase();
    if (!OTHERS.has(name)) shown.push(`${name}: ${rawHeaders[at + 1]}`);
  }
  return shown;
}

/** All that comes until the end, as a browser would take it. */
async function eventsFor(asked: Case, scene: Scene & Serving) {
  const response = await send(asked, scene);
  const blocks = (await text(response)).split('\n\n').filter((block) => block.includes('data: '));
  return blocks.map((block) => {
    const { data, errors } = JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? 'null');
    return { id: /^id: (.*)$/m.exec(block)?.[1], topup: data?.topupStatus, errors };
  });
}

/** Asks for the same, and for something usual in the same way, and leaves. */
async function learn(asked: Case, scene: Scene & Serving): Promise<void> {
  const { body: _body, address: _address, ...usual } = asked;
  for (const before of [{ ...usual, ask: follow() }, asked]) {
    const response = await send(before, scene);
    response.once('error', () => undefined);
    response.destroy();
  }
}

describe('is told what Yoga itself would tell: whoever asks to follow', () => {
  it.each(Object.entries(ASKED))('%s', async (_name, asked) => {
    await using byYoga = await open(serveByYoga, asked);
    await using byUs = await open(serve, asked);
    const expected = await told(asked, byYoga);
    expect(await told(asked, byUs)).toEqual(expected);
    // An operation that is known is told apart from one that is new by nobody either.
    await using byUsAgain = await open(serve, asked);
    await learn(asked, byUsAgain);
    expect(await told(asked, byUsAgain)).toEqual(expected);
    if (asked.steps !== undefined && expected.status === 200) {
      expect(eventsIn(expected.body)).toBeGreaterThan(1);
    }
  });
});

/** A connection, and all that has come over it. */
async function connected({ url }: Serving) {
  const socket = connect({ host: '127.0.0.1', port: Number(url.port) });
  await once(socket, 'connect');
  let heard = '';
  socket.setEncoding('utf8').on('data', (piece) => {
    heard += piece;
  });
  const hears = (pattern: RegExp) => expect.poll(() => heard).toMatch(pattern);
  const say = (...texts: readonly string[]) => socket.write(texts.join(''));
  return { say, hears, heard: () => heard, [Symbol.dispose]: () => socket.destroy() };
}

/** A whole request. */
function asking(ask: object, { version = '1.1', accept = 'text/event-stream' } = {}): string {
  const body = JSON.stringify(ask);
  const head = [
    `POST /graphql HTTP/${version}`,
    'Host: localhost',
    'Content-Type: application/json',
    `Accept: ${accept}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

const QUESTION = asking({ query: '{ answer: __typename }' }, { accept: 'application/json' });

describe('an event stream', () => {
  it('leaves its connection to whatever is asked next, as soon as it ends', async () => {
    await using scene = await open(serve, {});
    using client = await connected(scene);
    client.say(asking(follow()), QUESTION);
    await client.hears(/"version":3/);
    await settleOrder(scene);
    await client.hears(/"version":4.*event: complete\ndata:\n\n\r\n0\r\n\r\nHTTP.*"answer"/s);
    client.say(QUESTION, asking(follow()));
    await client.hears(/("answer".*){2}"version":4.*event: complete\ndata:\n\n\r\n0\r\n\r\n$/s);
    client.say(QUESTION);
    await client.hears(/("answer".*){3}/s);
    expect(client.heard().match(/HTTP\/1.1 200 OK/g)).toHaveLength(5);
    expect(eventsIn(client.heard())).toBe(3);
  });

  it('is there for HTTP/1.0, which knows no pieces', async () => {
    await using scene = await open(serve, {});
    using client = await connected(scene);
    client.say(asking(follow(), { version: '1.0' }));
    await client.hears(/"version":3/);
    await settleOrder(scene);
    await client.hears(/"version":4.*\n\nevent: complete\ndata:\n\n$/s);
    expect(client.heard()).toMatch(/\r\n\r\n:\n\nevent: next\n/);
  });

  // nginx would hold events back until they fill a buffer, or the stream ends.
  it.each(['1.1', '1.0'])(
    'has proxies pass on each event as it comes: HTTP/%s',
    async (version) => {
      await using scene = await open(serve, {});
      for (let nth = 0; nth < 2; nth += 1) {
        using client = await connected(scene);
        client.say(asking(follow(), { version }));
        await client.hears(/^x-accel-buffering: no\r\n(.*\r\n)+\r\n/im);
      }
    },
  );

  const SIGN_SECONDS = 12;
  /** How much later a sign may be than it is due. */
  const SIGN_SLACK_SECONDS = 1.5;

  it('gives signs of life while there is nothing to tell', async () => {
    await using scene = await open(serve, {});
    const response = await send({ ask: follow() }, scene);
    let heard = '';
    response.setEncoding('utf8').on('data', (piece) => {
      heard += piece;
    });
    await expect.poll(() => heard).toMatch(/"version":3/);
    heard = '';
    for (let nth = 1; nth <= 3; nth += 1) {
      await pass(SIGN_SECONDS + SIGN_SLACK_SECONDS)(scene);
      await expect.poll(() => heard).toBe(PING.repeat(nth));
    }
    response.destroy();
  });

  it('is forgotten once it has ended: no timer runs for it any more', async () => {
    await using scene = await open(serve, {});
    const after = scene.clock.after.bind(scene.clock);
    let timers = 0;
    scene.clock.after = (...args) => {
      timers += 1;
      return after(...args);
    };
    const timersOfAWhile = async () => {
      timers = 0;
      await pass(10 * SIGN_SECONDS)(scene);
      return timers;
    };
    const before = await timersOfAWhile();
    const response = await send({ ask: follow() }, scene);
    expect(await timersOfAWhile()).toBeGreaterThan(before);
    await settleOrder(scene);
    const { socket } = response;
    expect(await text(response)).toMatch(/event: complete/);
    // Its connection is looked after as well.
    socket.destroy();
    await expect.poll(timersOfAWhile).toBe(before);
  });

  it('tells a client that was slow to read, and whose ticket ended meanwhile, nothing but that', async () => {
    const limits = { slowClientTimeoutMs: 3_600_000 };
    await using scene = await open(serve, { ticket: {}, limits });
    const states = 1_000;
    for (let nth = 0; nth < states; nth += 1) {
      const told = { upstreamStatus: `STEP-${nth}`, refundMessage: 'x'.repeat(20_000) };
      await scene.store.record(observation({ ...told, observedAt: scene.clock.now() }), () => null);
    }
    // Not read yet: an incoming answer is paused until somebody asks.
    const response = await send({ ticket: {}, ask: follow({ after: cursor('log@0') }) }, scene);
    await settle();
    await pass(TICKET_SECONDS + TOLERANCE_SECONDS)(scene);
    const heard = await text(response);
    expect(eventsIn(heard)).toBeLessThan(states);
    expect(heard).toMatch(/UNAUTHENTICATED[^\n]+\n\nevent: complete\ndata:\n\n$/);
    expect(heard.match(/UNAUTHENTICATED/g)).toHaveLength(1);
  });
});

describe('a client that comes back', () => {
  const from = (lastEvent: string, told: object = {}): Case => ({
    ask: follow(told),
    headers: { 'last-event-id': lastEvent },
  });
  const versionsFor = async (asked: Case, scene: Scene & Serving) =>
    (await eventsFor(asked, scene)).map(({ topup }) => topup.version);

  it('knows each event by its cursor, and an error by none', async () => {
    await using scene = await open(serve, {});
    await settleOrder(scene);
    const [first, ...others] = await eventsFor(
      { ask: follow({ after: cursor(`${scene.store.logId}@2`) }) },
      scene,
    );
    expect(first?.id).toBe(first?.topup.cursor);
    expect(others.map(({ id }) => id)).toEqual([cursor(`${scene.store.logId}@4`)]);
    const [unknown] = await eventsFor({ ask: follow({ id: UNKNOWN_ID }) }, scene);
    expect(unknown).toMatchObject({
      id: undefined,
      errors: [{ extensions: { code: 'TOPUP_NOT_FOUND' } }],
    });
  });

  it('goes on after the last event that it names, whatever its address still says', async () => {
    await using scene = await open(serve, {});
    await settleOrder(scene);
    const at = (version: number) => cursor(`${scene.store.logId}@${version}`);
    // The first one by Yoga, the next ones as a known operation.
    for (let nth = 0; nth < 3; nth += 1) {
      expect(await versionsFor(from(at(1)), scene)).toEqual([2, 3, 4]);
      expect(await versionsFor(from(at(3), { after: at(1) }), scene)).toEqual([4]);
      expect(await versionsFor({ ...from(at(2)), method: 'GET' }, scene)).toEqual([3, 4]);
    }
    // A browser that was told all, and connects again as long as nobody stops it.
    expect(await versionsFor(from(at(4)), scene)).toEqual([]);
  });

  it('is served as a new one if it names no event of this log', async () => {
    await using scene = await open(serve, {});
    await settleOrder(scene);
    const after = cursor(`${scene.store.logId}@2`);
    expect(await versionsFor(from(cursor('other@1'), { after }), scene)).toEqual([4]);
    expect(await versionsFor(from('7'), scene)).toEqual([4]);
    expect(await versionsFor(from('7', { after }), scene)).toEqual([3, 4]);
  });

  it('is no more allowed to see an order than it was', async () => {
    const ticket = { topups: [OTHER_ID] };
    await using scene = await open(serve, { ticket });
    const asked = { ...from(cursor(`${scene.store.logId}@1`)), ticket };
    const [answer, ...others] = await eventsFor(asked, scene);
    expect(answer?.errors).toMatchObject([{ extensions: { code: 'TOPUP_NOT_FOUND' } }]);
    expect(others).toEqual([]);
  });
});
