import { describe, expect } from 'vitest';
import { type AttackedGateway, attacksOn, type Question } from '../support/attacked-gateway.ts';
import { AttackingSocket } from '../support/attacking-socket.ts';

const EVIL = 'https://evil.example';
const JSON_BODY = '{"query":"{ topup(id: \\"x\\", maxAge: 0) { id } }"}';
const QUERY = encodeURIComponent('{ topup(id: "x", maxAge: 0) { id } }');
const GET = `/graphql?query=${QUERY}`;

describe('a foreign page, on a gateway without tickets', () => {
  // The worst case: whoever comes may ask, and only the browser's own headers tell who sends it.
  const attack = attacksOn({
    AUTH_JWT_SECRET: '',
    AUTH_ISSUER: '',
    AUTH_AUDIENCE: '',
    ALLOWED_ORIGINS: 'https://shop.example',
  });

  const REQUESTS: readonly (readonly [name: string, question: Question])[] = [
    [
      'that posts JSON',
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: EVIL },
        body: JSON_BODY,
      },
    ],
    [
      'that posts text, for which no browser asks before',
      { method: 'POST', headers: { 'content-type': 'text/plain', origin: EVIL }, body: JSON_BODY },
    ],
    ['that posts without a type', { method: 'POST', headers: { origin: EVIL }, body: JSON_BODY }],
    [
      'that sends a form',
      {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', origin: EVIL },
        body: `query=${QUERY}`,
      },
    ],
    [
      'that sends a form of parts',
      {
        method: 'POST',
        headers: { 'content-type': 'multipart/form-data; boundary=b', origin: EVIL },
        body: `--b\r\nContent-Disposition: form-data; name="operations"\r\n\r\n${JSON_BODY}\r\n--b--\r\n`,
      },
    ],
    [
      'that sends a form out of a frame without an origin',
      {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          origin: 'null',
          'sec-fetch-site': 'cross-site',
        },
        body: `query=${QUERY}`,
      },
    ],
    [
      'that asks before it asks',
      { method: 'OPTIONS', headers: { origin: EVIL, 'access-control-request-method': 'POST' } },
    ],
    ['that fetches', { path: GET, headers: { origin: EVIL } }],
    [
      'that shows it as an image',
      { path: GET, headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' } },
    ],
    [
      'that runs it as a script',
      {
        path: `${GET}&callback=steal`,
        headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'script' },
      },
    ],
    ['of another port of this machine', { path: GET, headers: { 'sec-fetch-site': 'same-site' } }],
    [
      'that leads there',
      { path: GET, headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } },
    ],
    [
      'that listens to events',
      {
        path: `/graphql?query=${encodeURIComponent('subscription { topupStatus(id: "x") { id } }')}`,
        headers: { origin: EVIL, accept: 'text/event-stream' },
      },
    ],
    [
      'whose name ends as an allowed one',
      { path: GET, headers: { origin: 'https://shop.example.evil.example' } },
    ],
    [
      'whose name begins as an allowed one',
      { path: GET, headers: { origin: 'https://evil-shop.example' } },
    ],
    [
      'of an allowed name, but not over TLS',
      { path: GET, headers: { origin: 'http://shop.example' } },
    ],
    [
      'of an allowed name, but of another port',
      { path: GET, headers: { origin: 'https://shop.example:8443' } },
    ],
  ];
  for (const [name, question] of REQUESTS) {
    attack(name, async (target) => {
      await expectNothingAsked(target, async () => {
        const { status, codes, headers } = await target.send(question);
        expect([status, codes]).toEqual([403, ['FORBIDDEN']]);
        expect(headers['access-control-allow-origin']).toBeUndefined();
      });
    });
  }

  attack('that opens a WebSocket', async (target) => {
    const opened = AttackingSocket.open(target.port, { origin: EVIL });
    await expect(opened).rejects.toThrow('403');
  });

  for (const host of [
    'evil.example',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '10.0.0.1',
    '127.0.0.1@evil.example',
  ]) {
    attack(`whose name points here: ${host}`, async (target) => {
      const origin = `http://${host}:${target.port}`;
      const headers = { host: `${host}:${target.port}`, origin, 'sec-fetch-site': 'same-origin' };
      await expectNothingAsked(target, async () => {
        for (const path of [GET, '/metrics', '/health/ready']) {
          const { status, codes } = await target.send({ path, headers });
          expect([status, codes]).toEqual([421, ['FORBIDDEN']]);
        }
        const opened = AttackingSocket.open(target.port, {
          headers: { host: headers.host },
          origin,
        });
        await expect(opened).rejects.toThrow('421');
      });
    });
  }

  attack('is not what the own page is behind a proxy that changes the Host', async (target) => {
    const headers = { origin: 'https://topups.example', 'sec-fetch-site': 'same-origin' };
    expect((await target.send({ path: '/graphql?query={__typename}', headers })).status).toBe(200);
  });

  attack('that is an allowed one is let in, and told no more than its own', async (target) => {
    const answer = await target.send({
      path: '/graphql?query={__typename}',
      headers: { origin: 'https://shop.example' },
    });
    expect([answer.status, answer.text]).toEqual([200, '{"data":{"__typename":"Query"}}']);
    expect(answer.headers['access-control-allow-origin']).toBe('https://shop.example');
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
  });
});

describe('what is switched off', () => {
  const attack = attacksOn({ INTROSPECTION: 'off', GRAPHIQL: 'off' });

  for (const [name, query] of [
    ['whole', '{ __schema { types { name } } }'],
    ['by type', '{ __type(name: "Topup") { fields { name } } }'],
    ['by another name', '{ a: __schema { queryType { name } } }'],
    ['within a fragment', '{ ...F } fragment F on Query { __schema { types { name } } }'],
    [
      'in a fragment that is spread by another',
      '{ ...F } fragment F on Query { ...G } fragment G on Query { ... { __type(name: "Query") { name } } }',
    ],
    ['in a second operation', 'query A { __typename } query B { __schema { types { name } } }'],
  ] as const) {
    attack(`the schema: ${name}`, async (target) => {
      const before = await target.refusals('introspection');
      const { codes, text } = await target.post({
        query,
        ...(query.startsWith('query A') && { operationName: 'A' }),
      });
      expect(codes).toEqual(['FORBIDDEN']);
      expect(text).not.toMatch(/cardCode|TopupState/);
      expect(await target.refusals('introspection')).toBe(before + 1);
    });
  }

  attack('the schema: by its hints', async (target) => {
    for (const query of [
      '{ topu(id: "a") { id } }',
      '{ topup(id: "a") { cardCod } }',
      '{ topup(idd: "a") { id } }',
      '{ topup(id: "a") { ... on Topu { id } } }',
    ]) {
      const { codes, text } = await target.post({ query });
      expect(new Set(codes)).toEqual(new Set(['BAD_USER_INPUT']));
      expect(text).not.toMatch(/did you mean/i);
    }
  });

  attack('the page', async (target) => {
    const { text } = await target.send({ headers: { accept: 'text/html' } });
    expect(text).not.toMatch(/<html|graphiql/i);
  });
});

/** OneClickDz is not asked for what somebody had a browser send. */
async function expectNothingAsked(
  target: AttackedGateway,
  attack: () => Promise<void>,
): Promise<void> {
  const before = target.simulator.calls.total;
  await attack();
  expect(target.simulator.calls.total).toBe(before);
}
