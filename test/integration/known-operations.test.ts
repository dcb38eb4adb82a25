import { describe, expect, it } from 'vitest';
import type { Topups } from '../../src/core/topups.ts';
import { viewOf } from '../../src/core/view.ts';
import { GatewayError } from '../../src/errors.ts';
import type { Limits } from '../../src/limits/limits.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { ORDER_ID, observation } from '../support/observations.ts';
import { type Serving, serve } from '../support/serving.ts';

const OTHER_ID = 'f'.repeat(24);
const LIMITS: Partial<Limits> = { queryCost: 60, introspection: false };

const QUERY = `query Q($id: ID!, $n: Int = 2, $full: Boolean = false) {
  topup(id: $id) { id history(first: $n) { edges { cursor node @include(if: $full) { status } } } }
}`;
const TWO = `query A { a: __typename } query B { b: __typename }`;
const USUAL = { query: QUERY, variables: { id: ORDER_ID } };

interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer>;
}

function json(told: object): Sent {
  return { body: JSON.stringify(told) };
}

/** What a client may make of a request that was answered well before. */
const REQUESTS: readonly (readonly [string, Sent])[] = [
  ['for another order', json({ ...USUAL, variables: { id: OTHER_ID } })],
  ['for an order that there is not', json({ ...USUAL, variables: { id: 'e'.repeat(24) } })],
  ['for what is no id', json({ ...USUAL, variables: { id: 'nonsense' } })],
  ['with a number as id', json({ ...USUAL, variables: { id: 5 } })],
  ['with a list as id', json({ ...USUAL, variables: { id: [ORDER_ID] } })],
  ['without variables', json({ query: QUERY })],
  ['with null as variables', json({ query: QUERY, variables: null })],
  ['with a list as variables', json({ query: QUERY, variables: [] })],
  ['with a text as variables', json({ query: QUERY, variables: JSON.stringify(USUAL.variables) })],
  ['with a variable too many', json({ ...USUAL, variables: { id: ORDER_ID, more: 'x' } })],
  ['with a text for a number', json({ ...USUAL, variables: { id: ORDER_ID, n: '3' } })],
  ['that costs more', json({ ...USUAL, variables: { id: ORDER_ID, n: 3, full: true } })],
  ['that costs too much', json({ ...USUAL, variables: { id: ORDER_ID, n: 50 } })],
  ['that costs too much by far', json({ ...USUAL, variables: { id: ORDER_ID, n: 1e6 } })],
  ['with a null in place of a default', json({ ...USUAL, variables: { id: ORDER_ID, n: null } })],
  ['with the name of the operation', json({ ...USUAL, operationName: 'Q' })],
  ['with another name', json({ ...USUAL, operationName: 'Nope' })],
  ['with an empty name', json({ ...USUAL, operationName: '' })],
  ['with a number as name', json({ ...USUAL, operationName: 1 })],
  ['with null as name', json({ ...USUAL, operationName: null })],
  ['of two operations, the first', json({ query: TWO, operationName: 'A' })],
  ['of two operations, the second', json({ query: TWO, operationName: 'B' })],
  ['of two operations, none', json({ query: TWO })],
  ['with extensions', json({ ...USUAL, extensions: {} })],
  ['with null as extensions', json({ ...USUAL, extensions: null })],
  ['with a text as extensions', json({ ...USUAL, extensions: 'x' })],
  ['with what nobody knows', json({ ...USUAL, more: 1 })],
  ['with the id of a document', json({ ...USUAL, documentId: 'x' })],
  ['that looks at the schema', json({ query: '{ __schema { queryType { name } } }' })],
  ['of several', { body: JSON.stringify([USUAL, USUAL]) }],
  ['with spaces around it', { body: ` \n${JSON.stringify(USUAL)}\n ` }],
  ['with something behind it', { body: `${JSON.stringify(USUAL)} x` }],
  ['with a mark of byte order', { body: `\uFEFF${JSON.stringify(USUAL)}` }],
  [
    'that is no UTF-8',
    {
      body: Buffer.concat([
        Buffer.from('{"query":"{ __typename } # '),
        Buffer.of(0xff),
        Buffer.from('"}'),
      ]),
    },
  ],
  ['that says all twice', { body: `{"query":"{ x }",${JSON.stringify(USUAL).slice(1)}` }],
  [
    'with the word for prototypes',
    { body: `{"__proto__":{"operationName":"Nope"},${JSON.stringify(USUAL).slice(1)}` },
  ],
  ['that is empty', { body: '' }],
  ...[
    ['content-type', 'application/json; charset=utf-8'],
    ['content-type', 'application/json; charset=latin1'],
    ['content-type', 'application/jsonx'],
    ['content-type', 'application/graphql+json'],
    ['content-type', 'text/plain'],
    ['accept', '*/*'],
    ['accept', 'application/graphql-response+json'],
    ['accept', 'application/graphql-response+json, application/json;q=0.9'],
    ['accept', 'text/event-stream'],
    ['accept', 'multipart/mixed'],
    ['accept', 'text/html'],
    ['accept', 'image/png'],
  ].map(
    ([name = '', value = '']) =>
      [`with ${name}: ${value}`, { headers: { [name]: value }, ...json(USUAL) }] as const,
  ),
];

async function open(): Promise<Serving> {
  const store = createMemoryStore({ logId: 'log' });
  for (const orderId of [ORDER_ID, OTHER_ID]) {
    const told = { orderId, upstreamStatus: 'FULFILLED', observedAt: 1_000 };
    await store.record(observation(told), () => null);
  }
  const topups = {
    async lookup(orderId: string) {
      const order = await store.find(orderId);
      return order === undefined ? null : viewOf(order, order.checkedAt);
    },
  };
  return serve(store, { topups, limits: LIMITS });
}

async function send({ url }: Serving, { headers = {}, body }: Sent) {
  const given = { 'content-type': 'application/json', ...headers };
  const response = await fetch(url, { method: 'POST', headers: given, body });
  const told = new Map(response.headers);
  for (const name of ['date', 'x-request-id']) expect(told.delete(name)).toBe(true);
  return { status: response.status, headers: [...told], body: await response.text() };
}

describe('an operation that is known is answered as one that is new', () => {
  it.each(REQUESTS)('%s', async (_name, sent) => {
    const answers = async (learned: readonly Sent[]) => {
      await using serving = await open();
      const { headers = {} } = sent;
      for (const before of learned) await send(serving, { ...before, headers });
      const answer = await send(serving, sent);
      return { answer, refusals: serving.refusals };
    };
    const known = [
      json(USUAL),
      json({ ...USUAL, variables: { id: ORDER_ID, n: 1 } }),
      json({ ...USUAL, operationName: 'Q' }),
      json({ query: TWO, operationName: 'A' }),
    ];
    const asNew = await answers([]);
    expect(await answers(known)).toEqual(asNew);
    expect((await answers([sent])).answer).toEqual(asNew.answer);
  });
});

const PLAIN = 'query ($id: ID!) { topup(id: $id) { id status } }';

it.each([
  ['that reads the log', QUERY],
  ['that has a plan', PLAIN],
])(
  'an operation %s, is known and fails, is run once, on the account of one lookup',
  async (_kind, query) => {
    const store = createMemoryStore({ logId: 'log' });
    const { order } = await store.record(observation({ upstreamStatus: 'FULFILLED' }), () => null);
    const looked: string[] = [];
    const topups: Topups = {
      async lookup(orderId, _maxAgeMs, mayAsk) {
        looked.push(orderId);
        if (orderId === ORDER_ID) return viewOf(order, order.checkedAt);
        throw mayAsk?.() ?? new GatewayError('UPSTREAM_UNAVAILABLE', 'It fails.');
      },
    };
    const limits = { uncachedLookupsPerMinute: 2 };
    await using serving = await serve(store, { topups, limits, clock: new ManualClock() });
    await send(serving, json({ query, variables: { id: ORDER_ID } }));
    const codes = [];
    for (let nth = 0; nth < 3; nth += 1) {
      const { body } = await send(serving, json({ query, variables: { id: OTHER_ID } }));
      codes.push(JSON.parse(body).errors[0].extensions.code);
    }
    expect(codes).toEqual(['UPSTREAM_UNAVAILABLE', 'UPSTREAM_UNAVAILABLE', 'LIMIT_EXCEEDED']);
    expect(looked).toEqual([ORDER_ID, OTHER_ID, OTHER_ID, OTHER_ID]);
  },
);

it('the log tells how long an operation took, however it ended', async () => {
  const clock = new ManualClock();
  const store = createMemoryStore({ logId: 'log' });
  const { order } = await store.record(observation({ upstreamStatus: 'FULFILLED' }), () => null);
  const topups: Topups = {
    async lookup(orderId) {
      await clock.advance(70);
      if (orderId === ORDER_ID) return viewOf(order, order.checkedAt);
      throw new GatewayError('UPSTREAM_UNAVAILABLE', 'It fails.');
    },
  };
  await using serving = await serve(store, { topups, clock });
  // New, known, and known and failing.
  for (const id of [ORDER_ID, ORDER_ID.replace('6', '7'), OTHER_ID]) {
    await send(serving, json({ query: PLAIN, variables: { id } }));
  }
  const { lines } = serving.logger;
  const durations = () =>
    lines.filter(({ message }) => message === 'request').map(({ fields }) => fields['durationMs']);
  await expect.poll(durations).toEqual([70, 70, 70]);
});
