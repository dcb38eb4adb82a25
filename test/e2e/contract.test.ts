import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import {
  AskTopupDocument,
  AskTopupsDocument,
  FollowTopupDocument,
  GatewayStatusDocument,
  TopupHistoryDocument,
} from '../../schema/typed-documents.ts';
import { fulfilledAtOnce, refundedAfter, scripted } from '../../src/simulator/life.ts';
import {
  type GatewayOverSimulator,
  startGatewayOverSimulator,
} from '../support/gateway-over-simulator.ts';
import {
  ask,
  collect,
  type Follow,
  type Operation,
  overServerSentEvents,
  overWebSocket,
  post,
} from '../support/graphql-over-the-wire.ts';
import { ledLife } from '../support/led-life.ts';

const UNKNOWN_ID = 'ffffffffffffffffffffffff';

const ISO_MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const TRANSPORTS: readonly (readonly [string, Follow])[] = [
  ['server-sent events', overServerSentEvents],
  ['WebSocket', overWebSocket],
];

let stack: GatewayOverSimulator;

/** Begun before all else, since they take 15 s. */
let denials: ReadonlyMap<Follow, Promise<Denial>>;

beforeAll(async () => {
  stack = await startGatewayOverSimulator();
  denials = new Map(TRANSPORTS.map(([name, follow]) => [follow, deny(follow, name)]));
});

afterAll(() => stack[Symbol.asyncDispose]());

describe.concurrent('topup', () => {
  it('tells all that OneClickDz tells of a settled order', async () => {
    const id = stack.simulator.addOrder({ plan: fulfilledAtOnce(), ref: 'shop-17', amount: 2_500 });
    const { topup } = await ask(stack.gateway, { document: AskTopupDocument, variables: { id } });
    expect(topup).toEqual({
      id,
      ref: 'shop-17',
      type: 'ADSL',
      number: '036362608',
      amount: 2_500,
      status: 'FULFILLED',
      upstreamStatus: 'FULFILLED',
      isFinal: true,
      cardCode: expect.stringMatching(/^\d{12}$/),
      transactionNumber: expect.stringMatching(/^AT-\d{4}-\d{5}$/),
      processedAt: expect.stringMatching(ISO_MOMENT),
      createdAt: expect.stringMatching(ISO_MOMENT),
      refundMessage: null,
      version: 1,
      cursor: expect.stringMatching(/^[\w-]+$/),
      observedAt: expect.stringMatching(ISO_MOMENT),
      checkedAt: expect.stringMatching(ISO_MOMENT),
      nextCheckAt: null,
      isStale: false,
      isOverdue: false,
    });
  });

  it('passes on why the money went back', async () => {
    const id = stack.simulator.addOrder({ plan: refundedAfter(0, 'رصيد غير كاف') });
    const { topup } = await ask(stack.gateway, { document: AskTopupDocument, variables: { id } });
    expect(topup).toMatchObject({
      status: 'REFUNDED',
      isFinal: true,
      refundMessage: 'رصيد غير كاف',
      cardCode: null,
    });
  });

  it('says when it will look again at an order in progress', async () => {
    const id = stack.simulator.addOrder({ plan: ledLife().plan });
    const { topup } = await ask(stack.gateway, { document: AskTopupDocument, variables: { id } });
    expect(topup).toMatchObject({ status: 'HANDLING', isFinal: false, isStale: false });
    const waitMs = Date.parse(topup?.nextCheckAt ?? '') - Date.parse(topup?.checkedAt ?? '');
    expect(waitMs).toBeGreaterThanOrEqual(1_000);
    expect(waitMs).toBeLessThanOrEqual(5_000);
  });

  it('is null, without an error, for an order that OneClickDz does not know', async () => {
    const { body } = await post(stack.gateway, {
      document: AskTopupDocument,
      variables: { id: 'eeeeeeeeeeeeeeeeeeeeeeee' },
    });
    expect(body).toEqual({ data: { topup: null } });
  });

  it('asks once for an unknown order that is asked for again and again', async () => {
    const id = 'dddddddddddddddddddddddd';
    for (let times = 0; times < 5; times += 1) {
      await ask(stack.gateway, { document: AskTopupDocument, variables: { id } });
    }
    expect(stack.simulator.calls.countFor(id)).toBe(1);
  });

  it('takes an id in either case for the same order', async () => {
    const id = stack.simulator.addOrder({ plan: fulfilledAtOnce() });
    for (const spelling of [id.toUpperCase(), id]) {
      const { topup } = await ask(stack.gateway, {
        document: AskTopupDocument,
        variables: { id: spelling },
      });
      expect(topup).toMatchObject({ id, version: 1 });
    }
    expect(stack.simulator.calls.countFor(id)).toBe(1);
  });

  it('serves a settled order from the log, whatever maxAge says', async () => {
    const id = stack.simulator.addOrder({ plan: fulfilledAtOnce() });
    for (const maxAge of [undefined, 0, 1]) {
      await ask(stack.gateway, { document: AskTopupDocument, variables: { id, maxAge } });
    }
    expect(stack.simulator.calls.countFor(id)).toBe(1);
  });

  it('has OneClickDz asked where maxAge is 0, and not where what it has is fresh enough', async () => {
    // Parked, so that no call is made but for queries, and for lists that show it beside others.
    const id = stack.simulator.addOrder({ plan: scripted([{ afterMs: 0, status: 'QUEUED' }]) });
    const askWith = async (maxAge?: number) => {
      const variables = { id, maxAge };
      return (await ask(stack.gateway, { document: AskTopupDocument, variables })).topup;
    };
    await askWith();
    await askWith();
    await askWith(600);
    // Or none, where a list that was under way showed it.
    expect(stack.simulator.calls.countFor(id)).toBeLessThanOrEqual(1);
    for (let round = 0; round < 2; round += 1) {
      const askedAt = Date.now();
      expect(Date.parse((await askWith(0))?.checkedAt ?? '')).toBeGreaterThanOrEqual(askedAt);
    }
  });

  it('shares one call among all who force one at the same moment', async () => {
    const id = stack.simulator.addOrder({ plan: scripted([{ afterMs: 0, status: 'QUEUED' }]) });
    stack.simulator.fail({ fault: 'slow', orderId: id, delayMs: 1_000 });
    const queries = Array.from({ length: 25 }, () =>
      ask(stack.gateway, { document: AskTopupDocument, variables: { id, maxAge: 0 } }),
    );
    const answers = await Promise.all(queries);
    expect(new Set(answers.map(({ topup }) => topup?.version))).toEqual(new Set([1]));
    expect(stack.simulator.calls.countFor(id)).toBeLessThanOrEqual(1);
  });

  it.each([
    ['a maxAge below 0', { id: UNKNOWN_ID, maxAge: -1 }, '`maxAge` must be a number of seconds'],
    ['an id with a blank', { id: '6901 616f' }, '`id` must be an order id'],
    ['an id with a slash', { id: '../validate' }, '`id` must be an order id'],
    ['an empty id', { id: '' }, '`id` must be an order id'],
    ['an id that is too long', { id: 'a'.repeat(65) }, '`id` must be an order id'],
  ])('refuses %s', async (_, variables, message) => {
    const { body } = await post(stack.gateway, { document: AskTopupDocument, variables });
    expect(body).toEqual({
      data: { topup: null },
      errors: [
        {
          message: expect.stringContaining(message),
          locations: expect.any(Array),
          path: ['topup'],
          extensions: { code: 'BAD_USER_INPUT' },
        },
      ],
    });
  });
});

describe.concurrent('topups', () => {
  it('keeps the order of the ids, and repeats, and takes a hundred', async () => {
    const ids = Array.from({ length: 99 }, () =>
      stack.simulator.addOrder({ plan: fulfilledAtOnce() }),
    );
    const asked = [...ids.toReversed(), ids[7]];
    const { data } = await untilAllIsAnswered({
      document: AskTopupsDocument,
      variables: { ids: asked },
    });
    expect(data?.topups.map((topup) => topup?.id)).toEqual(asked);
  });

  it('refuses 101 ids without asking for any', async () => {
    const id = stack.simulator.addOrder({ plan: fulfilledAtOnce() });
    const { body } = await post(stack.gateway, {
      document: AskTopupsDocument,
      variables: { ids: Array.from({ length: 101 }, () => id) },
    });
    expect(body.data).toBeNull();
    expect(body.errors).toEqual([
      {
        message: '`ids` must hold at most 100 ids, but holds 101.',
        locations: expect.any(Array),
        path: ['topups'],
        extensions: { code: 'BAD_USER_INPUT' },
      },
    ]);
    expect(stack.simulator.calls.countFor(id)).toBe(0);
  });

  it('is null at a bad id, with an error at its place, while the others stay', async () => {
    const [one, other] = [fulfilledAtOnce(), fulfilledAtOnce()].map((plan) =>
      stack.simulator.addOrder({ plan }),
    );
    const body = await untilAllIsAnswered({
      document: 'query ($ids: [ID!]!) { topups(ids: $ids) { id } }',
      variables: { ids: [one, 'no id', 'cccccccccccccccccccccccc', other] },
    });
    expect(body).toEqual({
      data: { topups: [{ id: one }, null, null, { id: other }] },
      errors: [expect.objectContaining({ path: ['topups', 1] })],
    });
  });

  it('answers for no ids with none', async () => {
    const { topups } = await ask(stack.gateway, {
      document: AskTopupsDocument,
      variables: { ids: [] },
    });
    expect(topups).toEqual([]);
  });
});

/** Asks again for what is put off: on a slow machine, some of a hundred orders are. */
async function untilAllIsAnswered<Data>(operation: Operation<Data>) {
  for (;;) {
    const { body } = await post(stack.gateway, operation);
    const isPutOff = body.errors?.some(
      ({ extensions }) => extensions?.['code'] === 'UPSTREAM_THROTTLED',
    );
    if (isPutOff !== true) return body;
  }
}

describe.concurrent('history', () => {
  const STATUSES = ['HANDLING', 'CHECKING', 'SENDING', 'HANDLING', 'FULFILLED'];

  let id: string;

  beforeAll(async () => {
    const life = ledLife(STATUSES[0]);
    id = stack.simulator.addOrder({ plan: life.plan });
    for (const [index, next] of [...STATUSES.slice(1), undefined].entries()) {
      await untilSeen(id, index + 1);
      if (next !== undefined) life.goOn(next);
    }
  });

  async function page(variables: Record<string, unknown>) {
    const { topup } = await ask(stack.gateway, {
      document: TopupHistoryDocument,
      variables: { id, ...variables },
    });
    const { edges, pageInfo } = topup?.history ?? { edges: [], pageInfo: undefined };
    expect(edges.map(({ node }) => node.cursor)).toEqual(edges.map(({ cursor }) => cursor));
    expect(pageInfo?.startCursor).toBe(edges[0]?.cursor ?? null);
    expect(pageInfo?.endCursor).toBe(edges.at(-1)?.cursor ?? null);
    return {
      versions: edges.map(({ node }) => node.version),
      statuses: edges.map(({ node }) => node.upstreamStatus),
      hasNextPage: pageInfo?.hasNextPage,
      hasPreviousPage: pageInfo?.hasPreviousPage,
      startCursor: pageInfo?.startCursor,
      endCursor: pageInfo?.endCursor,
    };
  }

  it('shows every state, oldest first, where nothing else is asked for', async () => {
    expect(await page({})).toMatchObject({
      versions: [1, 2, 3, 4, 5],
      statuses: STATUSES,
      hasNextPage: false,
      hasPreviousPage: false,
    });
  });

  it('goes forward page by page', async () => {
    const first = await page({ first: 2 });
    expect(first).toMatchObject({ versions: [1, 2], hasPreviousPage: false, hasNextPage: true });
    const second = await page({ first: 2, after: first.endCursor });
    expect(second).toMatchObject({ versions: [3, 4], hasPreviousPage: true, hasNextPage: true });
    const third = await page({ first: 2, after: second.endCursor });
    expect(third).toMatchObject({ versions: [5], hasPreviousPage: true, hasNextPage: false });
    const beyond = await page({ first: 2, after: third.endCursor });
    expect(beyond).toMatchObject({ versions: [], hasPreviousPage: true, hasNextPage: false });
  });

  it('goes backward page by page, each oldest first', async () => {
    const last = await page({ last: 2 });
    expect(last).toMatchObject({ versions: [4, 5], hasPreviousPage: true, hasNextPage: false });
    const middle = await page({ last: 2, before: last.startCursor });
    expect(middle).toMatchObject({ versions: [2, 3], hasPreviousPage: true, hasNextPage: true });
    const first = await page({ last: 2, before: middle.startCursor });
    expect(first).toMatchObject({ versions: [1], hasPreviousPage: false, hasNextPage: true });
  });

  it('shows only what lies between two cursors', async () => {
    const { startCursor: after, endCursor: before } = await page({});
    expect(await page({ after, before })).toMatchObject({ versions: [2, 3, 4] });
    expect(await page({ last: 1, after, before })).toMatchObject({ versions: [4] });
  });

  it('takes an event of the subscription as a cursor', async () => {
    const { topup } = await ask(stack.gateway, { document: AskTopupDocument, variables: { id } });
    expect(await page({ before: topup?.cursor })).toMatchObject({ versions: [1, 2, 3, 4] });
  });

  it.each([
    ['more than a hundred', { first: 101 }, '`first` must be from 0 to 100'],
    ['less than none', { last: -1 }, '`last` must be from 0 to 100'],
    ['both directions at once', { first: 1, last: 1 }, 'not both'],
    ['a text that is no cursor', { first: 1, after: 'next' }, '`after` must be a cursor'],
    [
      'the cursor of another log',
      { before: Buffer.from('another-log@1').toString('base64url') },
      '`before` must be a cursor',
    ],
  ])('refuses %s', async (_, variables, message) => {
    const { body } = await post(stack.gateway, {
      document: TopupHistoryDocument,
      variables: { id, ...variables },
    });
    expect(body).toEqual({
      data: { topup: null },
      errors: [
        {
          message: expect.stringContaining(message),
          locations: expect.any(Array),
          path: ['topup', 'history'],
          extensions: { code: 'BAD_USER_INPUT' },
        },
      ],
    });
  });
});

describe.concurrent('gateway', () => {
  it('tells an operator how it is doing', async () => {
    const id = stack.simulator.addOrder({ plan: fulfilledAtOnce() });
    await ask(stack.gateway, { document: AskTopupDocument, variables: { id } });
    const { gateway } = await ask(stack.gateway, { document: GatewayStatusDocument });
    expect(gateway).toEqual({
      upstream: {
        state: 'SERVING',
        resumesAt: null,
        simulated: false,
        limitPerMinute: 6_000,
        callsPerMinute: 6_000,
        usedInLastMinute: expect.any(Number),
        budgetLeft: expect.any(Number),
      },
      tracked: [
        { status: 'HANDLING', count: expect.any(Number) },
        { status: 'QUEUED', count: expect.any(Number) },
        { status: 'UNKNOWN', count: expect.any(Number) },
      ],
      overdue: 0,
      abandoned: 0,
      subscriptions: expect.any(Number),
      startedAt: expect.stringMatching(ISO_MOMENT),
      logId: expect.stringMatching(/^[\da-f-]{36}$/),
    });
    expect(gateway.upstream.usedInLastMinute).toBeGreaterThan(0);
  });

  it('leaves calls to a backend that sends orders with the same key, unless told what it may use', async () => {
    await using shared = await startGatewayOverSimulator({ UPSTREAM_CALLS_PER_MINUTE: '' });
    const ownPart = async () => {
      const { gateway } = await ask(shared.gateway, { document: GatewayStatusDocument });
      return [gateway.upstream.limitPerMinute, gateway.upstream.callsPerMinute];
    };
    expect(await ownPart()).toEqual([120, 118]);
    const id = shared.simulator.addOrder({ plan: fulfilledAtOnce() });
    await ask(shared.gateway, { document: AskTopupDocument, variables: { id } });
    expect(await ownPart()).toEqual([120, 115]);
  });
});

describe.concurrent('HTTP', () => {
  it('answers a GET', async () => {
    const id = stack.simulator.addOrder({ plan: fulfilledAtOnce() });
    const query = new URLSearchParams({
      query: 'query ($id: ID!) { topup(id: $id) { id status } }',
      variables: JSON.stringify({ id }),
    });
    const response = await fetch(`${stack.gateway.url}?${query}`, {
      headers: { accept: 'application/json' },
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ data: { topup: { id, status: 'FULFILLED' } } });
  });

  it('answers a POST in the media type that was asked for', async () => {
    const operation = { document: '{ gateway { overdue } }' };
    const plain = await post(stack.gateway, operation);
    expect(plain.httpStatus).toBe(200);
    expect(plain.contentType).toMatch(/^application\/json\b/);
    const standard = await post(stack.gateway, operation, 'application/graphql-response+json');
    expect(standard.contentType).toMatch(/^application\/graphql-response\+json\b/);
    expect(standard.body).toEqual(plain.body);
  });

  it('gives each request an id, or keeps the one it came with', async () => {
    const ofOurs = await fetch(stack.gateway.url, { headers: { 'x-request-id': 'shop-4711' } });
    expect(ofOurs.headers.get('x-request-id')).toBe('shop-4711');
    const without = await fetch(stack.gateway.url);
    expect(without.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
  });

  it('lets no page of another origin read its answers', async () => {
    const response = await fetch(`${stack.gateway.url}?query={gateway{overdue}}`, {
      headers: { origin: 'https://elsewhere.example', accept: 'application/json' },
    });
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('streams on the path that it answers and upgrades on', () => {
    expect(new URL(stack.gateway.url).pathname).toBe('/graphql');
    expect(stack.gateway.wsUrl).toBe(stack.gateway.url.replace('http:', 'ws:'));
  });

  it.each([
    { what: 'another path', path: '/elsewhere', headers: {}, status: 404 },
    {
      what: 'a page of another origin',
      path: '/graphql',
      headers: { origin: 'https://elsewhere.example' },
      status: 403,
    },
  ])('upgrades no socket for $what', async ({ path, headers, status }) => {
    const url = new URL(path, stack.gateway.wsUrl);
    const socket = new WebSocket(url, 'graphql-transport-ws', { headers });
    const [error] = await once(socket, 'error');
    expect(error).toMatchObject({ message: `Unexpected server response: ${status}` });
  });
});

describe.concurrent.each(TRANSPORTS)('topupStatus over %s', (_, follow) => {
  it('follows an order from its latest state to its end, and completes', async () => {
    const life = ledLife();
    const id = stack.simulator.addOrder({ plan: life.plan });
    const seen: unknown[] = [];
    const next = ['CHECKING', 'SENDING', 'FULFILLED'];
    const events = follow(stack.gateway, { document: FollowTopupDocument, variables: { id } });
    for await (const { data, errors } of events) {
      expect(errors).toBeUndefined();
      seen.push([data?.topupStatus.version, data?.topupStatus.upstreamStatus]);
      const status = next.shift();
      if (status !== undefined) life.goOn(status);
    }
    expect(seen).toEqual([
      [1, 'HANDLING'],
      [2, 'CHECKING'],
      [3, 'SENDING'],
      [4, 'FULFILLED'],
    ]);
  });

  it('tells the end of a settled order, and completes', async () => {
    const id = stack.simulator.addOrder({ plan: fulfilledAtOnce() });
    const events = await collect(
      follow(stack.gateway, { document: FollowTopupDocument, variables: { id } }),
    );
    expect(events).toEqual([
      {
        data: {
          topupStatus: expect.objectContaining({
            id,
            status: 'FULFILLED',
            isFinal: true,
            version: 1,
            nextCheckAt: null,
          }),
        },
      },
    ]);
  });

  it('goes on after a cursor: what was missed at once, then live', async () => {
    const life = ledLife();
    const id = stack.simulator.addOrder({ plan: life.plan });
    const variables = { id, after: await firstCursor(follow, id) };
    life.goOn('CHECKING');
    await untilSeen(id, 2);
    life.goOn('SENDING');
    await untilSeen(id, 3);
    const versions: (number | undefined)[] = [];
    const operation = { document: FollowTopupDocument, variables };
    for await (const { data } of follow(stack.gateway, operation)) {
      versions.push(data?.topupStatus.version);
      if (data?.topupStatus.version === 3) life.goOn('REFUNDED');
    }
    expect(versions).toEqual([2, 3, 4]);
  });

  it('has nothing to say after the cursor of the end, and completes', async () => {
    const id = stack.simulator.addOrder({ plan: fulfilledAtOnce() });
    const after = await firstCursor(follow, id);
    const operation = { document: FollowTopupDocument, variables: { id, after } };
    expect(await collect(follow(stack.gateway, operation))).toEqual([]);
  });

  it.each([
    ['of another log', () => 'another-log@1'],
    ['beyond the end of this one', (ours: string) => ours.replace(/@\d+$/, '@99')],
  ])('starts over with the latest state after a cursor %s', async (_, change) => {
    const id = stack.simulator.addOrder({ plan: fulfilledAtOnce() });
    const ours = Buffer.from(await firstCursor(follow, id), 'base64url').toString();
    const after = Buffer.from(change(ours)).toString('base64url');
    const operation = { document: FollowTopupDocument, variables: { id, after } };
    expect(await collect(follow(stack.gateway, operation))).toMatchObject([
      { data: { topupStatus: { version: 1, isFinal: true } } },
    ]);
  });

  it('answers a query as well', async () => {
    const operation = { document: '{ gateway { overdue } }' };
    expect(await collect(follow(stack.gateway, operation))).toEqual([
      { data: { gateway: { overdue: 0 } } },
    ]);
  });

  it('ends with TOPUP_NOT_FOUND where OneClickDz knows no such order for 15 s', async () => {
    const { events, afterMs } = (await denials.get(follow)) ?? {};
    expect(afterMs).toBeGreaterThanOrEqual(15_000);
    expect(events).toEqual([
      {
        // No data, since the field may not be null.
        data: null,
        errors: [
          {
            message: 'OneClickDz knows no top-up with this id.',
            locations: expect.any(Array),
            path: ['topupStatus'],
            extensions: { code: 'TOPUP_NOT_FOUND' },
          },
        ],
      },
    ]);
  });
});

describe.concurrent('an error', () => {
  const FAULTY: readonly (readonly [string, Operation<unknown>])[] = [
    ['a document that does not parse', { document: '{' }],
    ['a field that there is not', { document: '{ topup(id: "a") { secret } }' }],
    ['a type that there is not', { document: 'query ($id: Uuid) { gateway { overdue } }' }],
    ['a variable that is missing', { document: AskTopupDocument }],
    [
      'a variable of the wrong type',
      { document: AskTopupDocument, variables: { id: 'a', maxAge: 'old' } },
    ],
    ['an operation that there is not', { document: '{ __typename }', operationName: 'Other' }],
    ['a malformed id', { document: AskTopupDocument, variables: { id: '?' } }],
    ['a malformed id to follow', { document: FollowTopupDocument, variables: { id: '?' } }],
    [
      'a malformed cursor',
      { document: FollowTopupDocument, variables: { id: UNKNOWN_ID, after: '?' } },
    ],
    ['a mutation', { document: 'mutation { send }' }],
  ];

  const overHttp: Follow = async function* (gateway, operation) {
    yield (await post(gateway, operation)).body;
  };

  describe.each([['HTTP', overHttp] as const, ...TRANSPORTS])('over %s', (_, follow) => {
    it.each(FAULTY)('says what is wrong and nothing else: %s', async (_, operation) => {
      // A stream that starts is no plain answer: over HTTP alone it would be one of server-sent events.
      const isStream = operation.document === FollowTopupDocument;
      const transport = isStream && follow === overHttp ? overServerSentEvents : follow;
      const results = await collect(transport(stack.gateway, operation));
      const errors = results.flatMap((result) => result.errors ?? []);
      expect(errors.length).toBeGreaterThan(0);
      for (const { message, locations: _, path: __, ...rest } of errors) {
        expect(rest).toEqual({ extensions: { code: 'BAD_USER_INPUT' } });
        expect(message).not.toMatch(/\bat .*:\d+|node_modules|src\//);
      }
    });
  });
});

interface Denial {
  readonly events: readonly unknown[];
  readonly afterMs: number;
}

/** Follows an order that there is not, another one for each transport. */
async function deny(follow: Follow, transport: string): Promise<Denial> {
  const startedAt = performance.now();
  const variables = { id: `unknown-${transport.replaceAll(/\W/g, '-')}` };
  const events = await collect(follow(stack.gateway, { document: FollowTopupDocument, variables }));
  return { events, afterMs: performance.now() - startedAt };
}

/** Asks until the gateway has seen this version: an answer may be one that was under way before. */
async function untilSeen(id: string, version: number): Promise<void> {
  for (let seen = 0; seen < version; ) {
    const variables = { id, maxAge: 0 };
    const { topup } = await ask(stack.gateway, { document: AskTopupDocument, variables });
    seen = topup?.version ?? 0;
  }
}

async function firstCursor(follow: Follow, id: string): Promise<string> {
  const operation = { document: FollowTopupDocument, variables: { id } };
  for await (const { data } of follow(stack.gateway, operation)) {
    return data?.topupStatus.cursor ?? '';
  }
  throw new Error('no event');
}
