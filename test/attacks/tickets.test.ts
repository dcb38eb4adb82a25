import { createHmac, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { exportJWK, SignJWT } from 'jose';
import { describe, expect } from 'vitest';
import { attacksOn, claimsWith, ticketWith } from '../support/attacked-gateway.ts';
import { AttackingSocket } from '../support/attacking-socket.ts';
import { ledLife } from '../support/led-life.ts';
import { asPayload, bearer, type Claims, SECRET } from '../support/tickets.ts';

const attack = attacksOn();

const now = () => Math.floor(Date.now() / 1_000);
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A ticket with any header, signed by HMAC with any key, whatever the header says. */
function signed(
  header: object,
  claims: Claims = claimsWith(),
  key: string | Buffer = SECRET,
): string {
  const body = `${encode(header)}.${encode(claims)}`;
  return `Bearer ${body}.${createHmac('sha256', key).update(body).digest('base64url')}`;
}

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const PEM = publicKey.export({ type: 'spki', format: 'pem' });

const FORGERIES: readonly (readonly [name: string, forge: () => string | Promise<string>])[] = [
  ['that is not signed', () => `Bearer ${encode({ alg: 'none' })}.${encode(claimsWith())}.`],
  ['of the algorithm none, signed', () => signed({ alg: 'none' })],
  ['of the algorithm nOnE', () => signed({ alg: 'nOnE' })],
  ['without an algorithm', () => signed({ typ: 'JWT' })],
  ['of two algorithms', () => signed({ alg: ['HS256', 'none'] })],
  ['signed with an empty secret', () => signed({ alg: 'HS256' }, claimsWith(), '')],
  ['signed with another secret', () => signed({ alg: 'HS256' }, claimsWith(), `${SECRET}!`)],
  ['signed as RS256 with the secret', () => signed({ alg: 'RS256' })],
  ['signed as HS256 with a public key', () => signed({ alg: 'HS256' }, claimsWith(), PEM)],
  ['signed with HS512', () => bearer(claimsWith(), SECRET.repeat(2), 'HS512')],
  [
    'signed by a key of the forger',
    () =>
      new SignJWT(asPayload(claimsWith()))
        .setProtectedHeader({ alg: 'RS256' })
        .sign(privateKey)
        .then((ticket) => `Bearer ${ticket}`),
  ],
  [
    'that brings its own key',
    async () => {
      const header = { alg: 'RS256', jwk: await exportJWK(publicKey) };
      const ticket = new SignJWT(asPayload(claimsWith())).setProtectedHeader(header);
      return `Bearer ${await ticket.sign(privateKey)}`;
    },
  ],
  [
    'whose key id is a file',
    () => signed({ alg: 'HS256', kid: '../../../../dev/null' }, claimsWith(), ''),
  ],
  [
    'whose key id is SQL',
    () => signed({ alg: 'HS256', kid: "x' UNION SELECT 'k" }, claimsWith(), 'k'),
  ],
  [
    'whose key id is a prototype',
    () => signed({ alg: 'HS256', kid: '__proto__' }, claimsWith(), ''),
  ],
  ['that asks for an extension', () => signed({ alg: 'HS256', crit: ['exp2'], exp2: 1 })],
  ['whose claims are not encoded', () => signed({ alg: 'HS256', b64: false, crit: ['b64'] })],
  ['of five parts', () => `Bearer ${encode({ alg: 'dir', enc: 'A256GCM' })}..AAAA.AAAA.AAAA`],
  ['whose signature is cut', async () => (await bearer(claimsWith())).slice(0, -4)],
  ['without a signature', async () => (await bearer(claimsWith())).replace(/\.[^.]*$/, '')],
  [
    'with the claims of another',
    async () =>
      (await bearer(claimsWith({ topups: [] }))).replace(/\.[^.]*\./, `.${encode(claimsWith())}.`),
  ],
  ['without exp', () => bearer(claimsWith({ exp: undefined }))],
  ['that never ends', () => bearer(claimsWith({ exp: '9999999999' }))],
  ['that ended half a minute ago', () => bearer(claimsWith({ exp: now() - 31 }))],
  ['that begins in a minute', () => bearer(claimsWith({ nbf: now() + 60 }))],
  ['of another issuer', () => bearer(claimsWith({ iss: 'shop.evil.example' }))],
  ['without an issuer', () => bearer(claimsWith({ iss: undefined }))],
  ['for another audience', () => bearer(claimsWith({ aud: ['other'] }))],
  ['without an audience', () => bearer(claimsWith({ aud: undefined }))],
  ['without orders', () => bearer(claimsWith({ topups: undefined }))],
  ['with a star among its orders', () => bearer(claimsWith({ topups: ['*'] }))],
  ['with a scope that is a list', () => bearer(claimsWith({ scope: ['operator'] }))],
  ['whose claims are a list', () => signed({ alg: 'HS256' }, [] as unknown as Claims)],
  [
    'of twelve kilobytes of nothing',
    () => signed({ alg: 'HS256', x: 'x'.repeat(9_000) }, claimsWith(), 'k'),
  ],
  ['of another scheme', async () => (await bearer(claimsWith())).replace('Bearer', 'Token')],
  ['without a scheme', async () => (await bearer(claimsWith())).replace('Bearer ', '')],
  [
    'and another after it',
    async () => `${await bearer(claimsWith())}, ${await bearer(claimsWith())}`,
  ],
];

describe('a forged ticket', () => {
  for (const [name, forge] of FORGERIES) {
    attack(name, async (target) => {
      const ticket = await forge();
      const query = `{ topup(id: "${target.orderId}") { cardCode } gateway { logId } }`;
      const { status, codes, text, headers } = await target.post({ query }, ticket);
      expect([status, codes, headers['www-authenticate']]).toEqual([
        401,
        ['UNAUTHENTICATED'],
        'Bearer realm="topup-gateway"',
      ]);
      expect(text).not.toContain(ticket.slice('Bearer '.length));
      const socket = await AttackingSocket.open(target.port);
      socket.begin({ authorization: ticket });
      expect(await socket.closed).toEqual([4_403, JSON.parse(text).errors[0].message]);
    });
  }
});

describe('a good ticket', () => {
  const QUERY = '{ gateway { logId } }';

  attack('in the address, a cookie or a body is no ticket', async (target) => {
    const ticket = target.ticket.slice('Bearer '.length);
    const named = `authorization=${encodeURIComponent(target.ticket)}&access_token=${ticket}`;
    const answer = await target.send({
      method: 'POST',
      path: `/graphql?${named}`,
      headers: {
        'content-type': 'application/json',
        cookie: `authorization=${ticket}; access_token=${ticket}`,
        'proxy-authorization': target.ticket,
        'x-authorization': target.ticket,
      },
      body: JSON.stringify({
        query: QUERY,
        extensions: { authorization: target.ticket },
      }),
    });
    expect([answer.status, answer.codes]).toEqual([401, ['UNAUTHENTICATED']]);
  });

  attack('beside a second one counts alone', async (target) => {
    const narrow = await ticketWith({ topups: [], scope: 'status' });
    for (const authorization of [
      [narrow, target.ticket],
      [narrow, 'Bearer x.y.z'],
    ]) {
      const { codes } = await target.send({
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization },
        body: JSON.stringify({ query: QUERY }),
      });
      expect(codes).toEqual(['FORBIDDEN']);
    }
  });

  attack('is not swapped for a wider one on a socket that is open', async (target) => {
    const socket = await AttackingSocket.open(target.port);
    socket.begin({ authorization: await ticketWith({ topups: [], scope: 'status' }) });
    await socket.message('connection_ack');
    socket.begin({ authorization: target.ticket });
    expect(await socket.closed).toEqual([4_429, 'Too many initialisation requests']);
  });

  attack('of one order reads no other, with a cursor of that other', async (target) => {
    const { text } = await target.post({ query: `{ topup(id: "${target.orderId}") { cursor } }` });
    const { cursor } = JSON.parse(text).data.topup;
    const authorization = await ticketWith({ topups: ['f'.repeat(24)], scope: 'status card' });
    const socket = await AttackingSocket.open(target.port);
    socket.begin({ authorization });
    await socket.message('connection_ack');
    socket.subscribe(
      '1',
      `subscription { topupStatus(id: "${target.orderId}", after: "${cursor}") { cardCode } }`,
    );
    expect((await socket.message('next')).payload).toMatchObject({
      errors: [{ extensions: { code: 'TOPUP_NOT_FOUND' } }],
    });
    socket.leave();
  });

  attack('that is over is over: cut off in the middle, and not let in again', async (target) => {
    const authorization = await ticketWith({ exp: now() - 28 });
    const id = target.simulator.addOrder({ plan: ledLife().plan });
    const query = `subscription { topupStatus(id: "${id}") { status } }`;
    const socket = await AttackingSocket.open(target.port);
    socket.begin({ authorization });
    await socket.message('connection_ack');
    socket.subscribe('1', query);
    await socket.message('next');
    const streamed = target.send({
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization },
      body: JSON.stringify({ query }),
    });
    expect(await socket.closed).toEqual([4_403, 'the ticket has expired']);
    expect((await streamed).text).toMatch(/HANDLING[\s\S]*UNAUTHENTICATED[\s\S]*event: complete/);
    const again = await AttackingSocket.open(target.port);
    again.begin({ authorization });
    expect(await again.closed).toEqual([4_403, 'The ticket has expired.']);
    expect((await target.post({ query: QUERY }, authorization)).status).toBe(401);
  });

  attack('that names where its key is does not have the gateway go there', async (target) => {
    await using server = await countingServer();
    for (const header of ['jku', 'x5u']) {
      const ticket = signed({ alg: 'HS256', kid: 'k', [header]: server.url }, claimsWith(), 'k');
      expect((await target.post({ query: QUERY }, ticket)).status).toBe(401);
    }
    expect(server.requests).toBe(0);
  });
});

/** A server that gives its key to whoever comes for it. */
async function countingServer() {
  const counted = { requests: 0 };
  const server = createServer((_request, response) => {
    counted.requests += 1;
    response.end(JSON.stringify({ keys: [{ kty: 'oct', kid: 'k', k: encode('k') }] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}/keys`,
    get requests() {
      return counted.requests;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
