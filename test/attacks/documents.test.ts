import { gzipSync } from 'node:zlib';
import { describe, expect } from 'vitest';
import { type AttackedGateway, attacksOn } from '../support/attacked-gateway.ts';

const attack = attacksOn();

const TOO_MUCH = { status: 400, codes: ['LIMIT_EXCEEDED'] };
const BAD = { status: 400, codes: ['BAD_USER_INPUT'] };
const FINE = { status: 200, codes: [] };
const TOO_LARGE = { status: 413, codes: ['LIMIT_EXCEEDED'] };

const times = (count: number, make: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => make(n)).join(' ');

/** Each fragment spreads the next one twice. */
const doubling = (levels: number) =>
  `{ topup(id: "a") { ...F0 } } ${times(levels, (n) => `fragment F${n} on Topup { ...F${n + 1} ...F${n + 1} }`)} fragment F${levels} on Topup { id }`;

const topup = (selection: string) => `{ topup(id: "a") { ${selection} } }`;

const nested = (open: string, close: string, levels: number) =>
  `${open.repeat(levels)}${close.repeat(levels)}`;

/** What is refused by the limit of that name. */
const BOMBS: readonly (readonly [name: string, limit: string, query: string])[] = [
  ['an alias bomb', 'aliases', `{ ${times(100, (n) => `a${n}: __typename`)} }`],
  [
    'aliases hidden in a fragment that is spread often',
    'aliases',
    `${topup(times(20, () => '...F'))} fragment F on Topup { ${times(20, (n) => `a${n}: id`)} }`,
  ],
  [
    'a long alias in the longest lists that there are',
    'aliases',
    `{ __schema { ${times(5, (n) => `t${n}: types { fields { ...F } }`)} } } fragment F on __Field { ${'x'.repeat(90_000)}: name }`,
  ],
  ['fields 300 deep', 'depth', nested('{ a ', '}', 300)],
  ['inline fragments 300 deep', 'tokens', topup(nested('... { id ', '}', 300))],
  [
    'depth through a chain of fragments',
    'depth',
    `${topup('...F0')} ${times(40, (n) => `fragment F${n} on Topup { history { edges { node { ...F${n + 1} } } } }`)} fragment F40 on Topup { id }`,
  ],
  ['a fragment bomb', 'cost', doubling(60)],
  [
    'a fragment bomb that nobody spreads',
    'cost',
    doubling(60).replace(/^.*?} }/, '{ __typename }'),
  ],
  ['the same field a thousand times', 'tokens', topup('id '.repeat(2_000))],
  ['a thousand directives', 'tokens', topup(`id ${'@include(if: true) '.repeat(1_000)}`)],
  ['directives that nobody knows', 'directives', topup(`id ${times(200, (n) => `@d${n}`)}`)],
  [
    'a list of lists of the history',
    'cost',
    `{ topups(ids: [${times(100, (n) => `"x${n}"`)}]) { history(first: 100) { edges { cursor } } } }`,
  ],
  ['a list of 900 ids', 'cost', `{ topups(ids: [${times(900, (n) => `"x${n}"`)}]) { id } }`],
  [
    'the schema of the schema',
    'introspection',
    `{ __schema { ${times(15, () => 'types { fields { args { type { ofType { name } } } } }')} } }`,
  ],
  ['arguments within arguments', 'tokens', `{ topup(id: ${nested('[', ']', 2_000)}) { id } }`],
  [
    'variables by the thousand',
    'tokens',
    `query (${times(2_000, (n) => `$v${n}: Int`)}) { __typename }`,
  ],
  ['operations by the thousand', 'tokens', times(1_000, (n) => `query Q${n} { __typename }`)],
];

describe('documents', () => {
  for (const [name, limit, query] of BOMBS) {
    attack(name, async (target) => {
      const before = await target.refusals(limit);
      expect(await target.post({ query })).toMatchObject(TOO_MUCH);
      expect(await target.refusals(limit)).toBe(before + 1);
    });
  }

  const FAULTY: readonly (readonly [name: string, body: object])[] = [
    [
      'fragments that go round in a circle',
      { query: `${topup('...A')} fragment A on Topup { ...B } fragment B on Topup { ...A }` },
    ],
    [
      'a fragment that spreads itself',
      { query: `${topup('...A')} fragment A on Topup { id ...A }` },
    ],
    [
      'two fragments of one name',
      { query: `${topup('...A')} fragment A on Topup { id } fragment A on Topup { cardCode }` },
    ],
    [
      'types as deep as a document may be',
      {
        query: `query ($v: ${nested('[', ']', 400).replace('[]', '[ID]')}) { topup(id: $v) { id } }`,
      },
    ],
    [
      'an operation that is not there',
      { query: 'query A { __typename }', operationName: '__proto__' },
    ],
    ['a schema definition in place of a query', { query: 'type Query { cards: String }' }],
    ['a mutation', { query: 'mutation { __typename }' }],
    [
      'a number beyond all numbers',
      { query: `{ topup(id: "a", maxAge: ${'9'.repeat(50_000)}) { id } }` },
    ],
    ['NUL and control characters in a document', { query: '{ __type\u0000name \u0007 }' }],
    ['half a surrogate pair as a name', { query: '{ \ud800 }' }],
    ['no document', { query: '' }],
    ['a document that is an object', { query: { toString: 'x' } }],
    ['variables that are a list', { query: '{ __typename }', variables: [1, 2] }],
    ['variables that are a text', { query: '{ __typename }', variables: '__proto__' }],
    ['extensions that are a number', { query: '{ __typename }', extensions: 7 }],
  ];
  for (const [name, body] of FAULTY) {
    attack(name, async (target) => {
      const { status, codes } = await target.post(body);
      expect([status, new Set(codes)]).toEqual([400, new Set(['BAD_USER_INPUT'])]);
    });
  }

  attack('a hundred different documents, each as large as may be', async (target) => {
    const fields = 'id status version '.repeat(300);
    for (let n = 0; n < 100; n += 1) {
      const query = `query Q${n} { topup(id: "a") { ${fields} } } # ${'x'.repeat(80_000)}`;
      expect((await target.post({ query })).status).toBe(200);
    }
  });
});

describe('bodies', () => {
  attack('a query of ten megabytes', async (target) => {
    const before = await target.refusals('body');
    const query = `{ topup(id: "${'a'.repeat(10_000_000)}") { id } }`;
    expect(await target.post({ query })).toMatchObject(TOO_LARGE);
    expect(await target.refusals('body')).toBe(before + 1);
  });

  attack('a batch of a thousand operations', async (target) => {
    const before = await target.refusals('batch');
    const body = Array.from({ length: 1_000 }, () => ({ query: '{ __typename }' }));
    expect(await target.post(body)).toMatchObject(TOO_MUCH);
    expect(await target.refusals('batch')).toBe(before + 1);
  });

  attack('an empty batch', async (target) => {
    expect(await target.post([])).toMatchObject(TOO_MUCH);
  });

  attack('JSON nearly fifty thousand levels deep', async (target) => {
    const deep = nested('[', ']', 49_000);
    const body = `{"query":"{ __typename }","variables":{"a":${deep}}}`;
    expect(await target.post(body)).toMatchObject(FINE);
  });

  attack('a deep value for a variable', async (target) => {
    const query = 'query ($id: ID!) { topup(id: $id) { id } }';
    const deep = `${'{"a":'.repeat(15_000)}1${'}'.repeat(15_000)}`;
    const body = `{"query":"${query}","variables":{"id":${deep}}}`;
    expect(await target.post(body)).toMatchObject(BAD);
  });

  attack('thousands of variables that the document does not name', async (target) => {
    const variables = Object.fromEntries(Array.from({ length: 6_000 }, (_, n) => [`v${n}`, n]));
    expect(await target.post({ query: '{ __typename }', variables })).toMatchObject(FINE);
  });

  attack('a megabyte of zeros, packed into a kilobyte', async (target) => {
    const body = gzipSync(JSON.stringify({ query: `{ __typename } #${'0'.repeat(1_000_000)}` }));
    const headers = {
      'content-type': 'application/json',
      'content-encoding': 'gzip',
      accept: 'application/graphql-response+json',
    };
    const refused = { status: 415, codes: ['BAD_USER_INPUT'] };
    expect(await target.send({ method: 'POST', headers, body })).toMatchObject(refused);
  });

  attack('bytes that are no UTF-8', async (target) => {
    const body = Buffer.from('{"query":"{ __typename }","x":"\xc3\x28\xff"}', 'latin1');
    expect(await target.post(body)).toMatchObject(BAD);
  });

  attack('UTF-16 in place of UTF-8', async (target) => {
    const body = Buffer.from('\ufeff{"query":"{ __typename }"}', 'utf16le');
    expect(await target.post(body)).toMatchObject(BAD);
  });
});

describe('prototypes', () => {
  const query = 'query ($id: ID!, $maxAge: Int) { topup(id: $id, maxAge: $maxAge) { id } }';

  const POLLUTIONS = [
    [
      'by the variables',
      `{"query":"${query}","variables":{"__proto__":{"id":"a","maxAge":0}}}`,
      BAD,
    ],
    ['by a variable', `{"query":"${query}","variables":{"id":{"__proto__":{"id":"a"}}}}`, BAD],
    [
      'by a constructor',
      `{"query":"${query}","variables":{"constructor":{"prototype":{"id":"a"}}}}`,
      BAD,
    ],
    ['by the body', '{"__proto__":{"query":"{ __typename }"}}', BAD],
    [
      'by the extensions',
      '{"extensions":{"__proto__":{"persistedQuery":{"sha256Hash":"x"}}}}',
      BAD,
    ],
    [
      'by the name of an operation',
      '{"query":"query A { id }","operationName":"constructor"}',
      BAD,
    ],
  ] as const;
  for (const [name, body, expected] of POLLUTIONS) {
    attack(`polluted ${name}`, async (target) => {
      expect(await target.post(body)).toMatchObject(expected);
      await expectUnpolluted(target);
    });
  }
});

/** What every object has, no request has brought. */
async function expectUnpolluted(target: AttackedGateway): Promise<void> {
  const query = 'query ($id: ID!, $maxAge: Int) { topup(id: $id, maxAge: $maxAge) { id } }';
  expect(await target.post({ query, variables: {} })).toMatchObject(BAD);
  expect(await target.post({})).toMatchObject(BAD);
  expect(await target.post({ query: '{ __typename }' })).toMatchObject(FINE);
}
