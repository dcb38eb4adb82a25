import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { type AttackedGateway, attacksOn, type Question } from '../support/attacked-gateway.ts';
import { anyCharacter, anyPath } from '../support/characters.ts';
import { closed } from '../support/raw-http.ts';
import { type Frame, RawWebSocket } from '../support/raw-web-socket.ts';

/** Together 10,000 cases, always the same ones. */
const AT_ONCE = 50;
const ROUNDS = 100;
const RUN = { seed: 4, numRuns: ROUNDS, endOnFailure: true };

// To look up what is made up, or to read the page again and again, tells nothing more, and takes a while.
const attack = attacksOn({ UNCACHED_LOOKUPS_PER_MINUTE: '20', GRAPHIQL: 'off' });

/** On a machine that has other things to do. */
const TIMEOUT_MS = 120_000;

const WORDS = [
  ...'{}()[]:!$@=|&'.split(''),
  ...'query mutation subscription fragment on true false null enum input'.split(' '),
  ...'topup topups topupStatus gateway history edges node id ids cardCode status'.split(' '),
  ...'first last after before maxAge Topup Query ID Int String Boolean __schema __typename'.split(
    ' ',
  ),
  ...[
    '...',
    '"a"',
    '""',
    '"""',
    '"\\u',
    '#',
    '\n',
    '0',
    '-1',
    '1e999',
    '$id',
    '@include(if: true)',
  ],
  ...['\u0000', '\ud800', '\ufeff', '__proto__', '6901616fe9e88196b4eb64b2'],
];

const soup = fc.array(fc.constantFrom(...WORDS), { maxLength: 60 }).map((words) => words.join(' '));

/** A document that is valid, with whatever values. */
const QUERY =
  'query Q($id: ID!, $ids: [ID!]!, $maxAge: Int, $first: Int, $after: String) { topup(id: $id, maxAge: $maxAge) { cardCode history(first: $first, after: $after) { edges { cursor } } } topups(ids: $ids) { id } }';

const anything = fc.jsonValue({ maxDepth: 2, stringUnit: anyCharacter });

const variables = fc.oneof(
  anything,
  fc.record(
    {
      id: fc.oneof(fc.string({ unit: anyCharacter }), anything),
      ids: fc.oneof(fc.array(fc.string({ unit: 'grapheme' })), anything),
      maxAge: fc.oneof(fc.integer(), fc.double(), anything),
      first: fc.oneof(fc.integer(), anything),
      after: fc.oneof(fc.base64String(), fc.string()),
    },
    { requiredKeys: [] },
  ),
);

const payload = fc.record(
  {
    query: fc.oneof(soup, fc.constant(QUERY), fc.string({ unit: anyCharacter }), anything),
    variables,
    operationName: fc.oneof(fc.constant('Q'), anything),
    extensions: fc.oneof(
      anything,
      fc.record({ persistedQuery: fc.record({ sha256Hash: anything }) }),
    ),
    documentId: anything,
  },
  { requiredKeys: [] },
);

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const text = fc.oneof(
  payload.map((value) => JSON.stringify(value)),
  fc.json(),
  soup,
);

/** Now and then a letter is lost, or another comes in. */
const damaged = fc
  .tuple(text, fc.nat(), fc.constantFrom('', '"', '}', '\\', '\u0000'))
  .map(([whole, at, letter]) => {
    const place = at % (whole.length + 1);
    return whole.slice(0, place) + letter + whole.slice(place + 1);
  });

const question: fc.Arbitrary<Question> = fc.record({
  method: fc.constantFrom('POST', 'POST', 'POST', 'GET', 'PUT', 'OPTIONS'),
  path: fc.oneof(
    fc.constant('/graphql'),
    fc
      .tuple(soup, text)
      .map(([query, values]) => `/graphql?${new URLSearchParams({ query, variables: values })}`),
    anyPath.map((path) => `/${path}`),
  ),
  headers: fc.record({
    'content-type': fc.constantFrom(
      'application/json',
      'application/json',
      'application/json; charset=utf-16',
      'application/graphql',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=b',
      'text/plain',
      '/',
    ),
    accept: fc.constantFrom(
      '*/*',
      'application/json',
      'application/graphql-response+json',
      'text/html',
      'q=,;',
      'text/event-stream',
    ),
  }),
  body: fc.oneof(text, damaged, bytes),
  leavesStream: fc.constant(true),
});

const message = fc.oneof(
  fc
    .record(
      {
        type: fc.constantFrom(
          'connection_init',
          'subscribe',
          'complete',
          'ping',
          'pong',
          'next',
          'start',
          '__proto__',
        ),
        id: fc.oneof(fc.constantFrom('1', '2', '', '__proto__'), anything),
        payload: fc.oneof(payload, anything),
      },
      { requiredKeys: ['type'] },
    )
    .map((value) => JSON.stringify(value)),
  text,
  damaged,
);

const frame: fc.Arbitrary<Frame> = fc.oneof(
  { weight: 3, arbitrary: message.map((told): Frame => ({ opcode: 1, payload: told })) },
  {
    weight: 1,
    arbitrary: fc.record({
      opcode: fc.nat(15),
      payload: fc.oneof(bytes, message),
      isLast: fc.boolean(),
      reserved: fc.oneof(fc.constant(0), fc.nat(7)),
      isMasked: fc.oneof(fc.constant(true), fc.boolean()),
    }),
  },
);

describe('whatever comes', () => {
  attack(
    'over HTTP is answered, and never by a fault',
    async (target) => {
      const ask = async (each: Question) => {
        const authorization = target.ticket;
        const { status, codes } = await target.send({
          ...each,
          headers: { ...each.headers, authorization },
        });
        const isCoded = codes.length > 0 && !codes.includes('INTERNAL_SERVER_ERROR');
        if (status >= 500 && !isCoded) expect.fail(`${status} for ${JSON.stringify(each)}`);
      };
      await fc.assert(
        fc.asyncProperty(
          fc.array(question, { minLength: AT_ONCE, maxLength: AT_ONCE }),
          async (questions) => {
            await Promise.all(questions.map(ask));
          },
        ),
        RUN,
      );
      await expectNothingLeft(target);
    },
    TIMEOUT_MS,
  );

  attack(
    'over WebSockets is answered, and never by a fault',
    async (target) => {
      const init = JSON.stringify({
        type: 'connection_init',
        payload: { authorization: target.ticket },
      });
      const say = async (frames: readonly Frame[]) => {
        const socket = await RawWebSocket.open(target.port);
        socket.write({ opcode: 1, payload: init }, ...frames);
        socket.socket.end();
        const code = await socket.closeCode();
        await closed(socket.socket);
        // 1011 and 4500 are the faults of a server.
        if (code === 1_011 || code === 4_500) expect.fail(`${code} for ${JSON.stringify(frames)}`);
      };
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(frame, { maxLength: 6 }), { minLength: AT_ONCE, maxLength: AT_ONCE }),
          async (sockets) => {
            await Promise.all(sockets.map(say));
          },
        ),
        RUN,
      );
      await expectNothingLeft(target);
    },
    TIMEOUT_MS,
  );
});

/** No subscription, and no more sockets than whoever still has them open here. */
async function expectNothingLeft(target: AttackedGateway): Promise<void> {
  await expect.poll(() => target.metric('topup_gateway_subscriptions')).toBe(0);
  target.hangUp();
  const sockets = () => target.metric('nodejs_active_resources{type="TCPSocketWrap"}');
  expect(await sockets()).toBeGreaterThan(0);
  // Its own, that of whoever still must be served, and of the inspector.
  await expect.poll(sockets).toBeLessThanOrEqual(4);
}
