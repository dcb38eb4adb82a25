import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { mintTicket } from '../../src/auth/mint.ts';
import { type AuthConfig, createTickets } from '../../src/auth/tickets.ts';
import type { Fetch } from '../../src/core/ports.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ORDER_ID } from '../support/observations.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import { asPayload, bearer, type Claims, SECRET, SECRET_AUTH } from '../support/tickets.ts';

const OTHER_ID = 'f'.repeat(24);

function ticketsWith(auth: AuthConfig = SECRET_AUTH, fetch: Fetch = noFetch) {
  const clock = new ManualClock();
  const now = clock.now() / 1_000;
  const good: Claims = { topups: [ORDER_ID], scope: 'status', exp: now + 60 };
  const logger = recordingLogger();
  return {
    clock,
    logger,
    now,
    good,
    tickets: createTickets(auth, { clock, fetch, logger }),
  };
}

const noFetch: Fetch = () => Promise.reject(new TypeError('nothing is to be fetched here'));
const refused = { code: 'UNAUTHENTICATED' };

describe('a ticket', () => {
  it('allows what it says and nothing else', async () => {
    const { tickets, good, now } = ticketsWith();
    const access = await tickets.accessOf(await bearer({ ...good, scope: 'status card fly' }));
    expect(['status', 'card', 'operator'].map((scope) => access.has(scope as 'card'))).toEqual([
      true,
      true,
      false,
    ]);
    expect([access.names(ORDER_ID), access.names(OTHER_ID)]).toEqual([true, false]);
    expect(access.expiresAt).toBe((now + 60 + 30) * 1_000);
  });

  it.each([2, 300])('names each of %i orders and no other', async (count) => {
    const { tickets, good } = ticketsWith();
    const topups = Array.from({ length: count }, (_, n) => String(n).padStart(24, '0'));
    const access = await tickets.accessOf(await bearer({ ...good, topups }));
    expect(topups.every((id) => access.names(id))).toBe(true);
    expect(access.names(OTHER_ID)).toBe(false);
  });

  it('that is refused is told of in the log, and why: once in ten minutes, and not if it has only expired', async () => {
    const { tickets, good, now, logger, clock } = ticketsWith();
    const bad = [
      { ...good, exp: now - 31 },
      { ...good, scope: undefined },
      { ...good, topups: undefined },
    ];
    for (const claims of bad) {
      await expect(tickets.accessOf(await bearer(claims))).rejects.toMatchObject(refused);
    }
    await expect(tickets.accessOf('no ticket')).rejects.toMatchObject(refused);
    const reason = expect.stringMatching(/^The ticket must have `exp`/);
    const line = { level: 'warn', message: 'tickets are refused' };
    expect(logger.lines).toEqual([{ ...line, fields: { reason, times: 1 } }]);
    await clock.advance(10 * 60_000);
    const forged = await bearer({ ...good, exp: now + 3_600 }, 'y'.repeat(32));
    await expect(tickets.accessOf(forged)).rejects.toMatchObject(refused);
    expect(logger.lines[1]).toMatchObject({
      fields: { reason: expect.stringContaining('not signed'), times: 2 },
    });
  });

  it('names orders in any spelling of their ids, or all', async () => {
    const { tickets, good } = ticketsWith();
    const upper = await bearer({ ...good, topups: [ORDER_ID.toUpperCase()] });
    expect((await tickets.accessOf(upper)).names(ORDER_ID)).toBe(true);
    const all = await tickets.accessOf(await bearer({ ...good, topups: '*' }));
    expect(all.names(OTHER_ID)).toBe(true);
  });

  it.each<[string, (good: Claims, now: number) => Claims]>([
    ['without exp', ({ exp: _, ...claims }) => claims],
    ['without topups', ({ topups: _, ...claims }) => claims],
    ['without scope', ({ scope: _, ...claims }) => claims],
    ['with an exp in milliseconds', (good) => ({ ...good, exp: Date.UTC(2026, 0, 1) })],
    ['with an exp that is no number', (good) => ({ ...good, exp: '9999999999' })],
    ['with topups that are an object', (good) => ({ ...good, topups: { 0: ORDER_ID } })],
    ['with topups that are one id', (good) => ({ ...good, topups: ORDER_ID })],
    ['with an id among topups that is none', (good) => ({ ...good, topups: ['../x'] })],
    ['with scopes in a list', (good) => ({ ...good, scope: ['status'] })],
    ['that expired 31 s ago', (good, now) => ({ ...good, exp: now - 31 })],
    ['that holds only from 31 s on', (good, now) => ({ ...good, nbf: now + 31 })],
  ])('%s is refused', async (_, claims) => {
    const { tickets, good, now } = ticketsWith();
    await expect(tickets.accessOf(await bearer(claims(good, now)))).rejects.toMatchObject(refused);
  });

  it('of a clock that is off by half a minute is taken', async () => {
    const { tickets, good, now } = ticketsWith();
    for (const times of [{ exp: now - 29 }, { nbf: now + 29 }]) {
      const access = await tickets.accessOf(await bearer({ ...good, ...times }));
      expect(access.has('status')).toBe(true);
    }
  });

  it.each<[string, (good: Claims) => Promise<string>]>([
    ['signed with another secret', (good) => bearer(good, `${SECRET}!`)],
    ['signed with another algorithm', (good) => bearer(good, SECRET.repeat(2), 'HS512')],
    ['not signed at all', async (good) => `Bearer ${encode({ alg: 'none' })}.${encode(good)}.`],
    [
      'that says none and is signed',
      async (good) => `Bearer ${encode({ alg: 'none' })}.${encode(good)}.AAAA`,
    ],
    [
      'changed after it was signed',
      async (good) => {
        const [head, , signature] = (await bearer(good)).split('.');
        return `${head}.${encode({ ...good, topups: '*' })}.${signature}`;
      },
    ],
    ['without Bearer', async (good) => (await bearer(good)).replace('Bearer ', '')],
    ['of another scheme', async (good) => (await bearer(good)).replace('Bearer', 'Basic')],
    ['with something after it', async (good) => `${await bearer(good)}, x`],
    ['far too long', async (good) => bearer({ ...good, note: 'x'.repeat(20_000) })],
  ])('%s is refused', async (_, forge) => {
    const { tickets, good } = ticketsWith();
    await expect(tickets.accessOf(await forge(good))).rejects.toMatchObject(refused);
  });

  it('may follow its scheme in any spelling', async () => {
    const { tickets, good } = ticketsWith();
    const ticket = (await bearer(good)).replace('Bearer ', 'bearer  ');
    expect((await tickets.accessOf(ticket)).names(ORDER_ID)).toBe(true);
  });

  it.each<[string, (good: Claims, now: number) => Claims]>([
    ['The ticket has expired.', (good, now) => ({ ...good, exp: now - 31 })],
    ['The ticket must have `exp` (seconds), `topups`', ({ exp: _, ...claims }) => claims],
    ['The ticket must have `exp` (seconds), `topups`', ({ topups: _, ...claims }) => claims],
    ["The ticket's `iss` is not", (good) => ({ ...good, iss: 'x' })],
    ["The ticket's `iss` is not", ({ iss: _, ...claims }) => claims],
    ["The ticket's `nbf` is not", (good, now) => ({ ...good, nbf: now + 31 })],
  ])('tells its owner what is wrong, and no more: %s', async (message, claims) => {
    const { tickets, good, now } = ticketsWith({ ...SECRET_AUTH, issuer: 'shop' });
    const ticket = await bearer(claims({ ...good, iss: 'shop' }, now));
    await expect(tickets.accessOf(ticket)).rejects.toThrow(message);
  });

  it('tells nobody of its claims before its signature is verified', async () => {
    const { tickets, good, now } = ticketsWith({ ...SECRET_AUTH, issuer: 'shop' });
    const forged = await bearer({ ...good, iss: 'x', exp: now - 31 }, 'x'.repeat(64));
    await expect(tickets.accessOf(forged)).rejects.toThrow(
      'The ticket is not signed with the key that the gateway was given.',
    );
  });

  it('must come from the issuer and be meant for the audience, where they are set', async () => {
    const { tickets, good } = ticketsWith({ ...SECRET_AUTH, issuer: 'shop', audience: 'gateway' });
    const meant = { ...good, iss: 'shop', aud: ['x', 'gateway'] };
    expect((await tickets.accessOf(await bearer(meant))).has('status')).toBe(true);
    for (const other of [{ iss: 'x' }, { aud: 'x' }, { iss: undefined }, { aud: undefined }]) {
      const ticket = await bearer({ ...meant, ...other });
      await expect(tickets.accessOf(ticket)).rejects.toMatchObject(refused);
    }
  });

  it('of `npm run ticket` comes from the issuer and is meant for the audience that are set', async () => {
    const expected = { issuer: 'shop', audience: 'gateway' };
    const { tickets } = ticketsWith({ ...SECRET_AUTH, ...expected });
    const made = { secret: SECRET, topups: [ORDER_ID], scope: 'status', ttlSeconds: 60 };
    const minted = async (more: object) => `Bearer ${await mintTicket({ ...made, ...more })}`;
    expect((await tickets.accessOf(await minted(expected))).names(ORDER_ID)).toBe(true);
    for (const name of ['issuer', 'audience']) {
      const lacking = await minted({ ...expected, [name]: '' });
      await expect(tickets.accessOf(lacking)).rejects.toMatchObject(refused);
    }
  });

  it('is not needed for nothing: without one, no order and no scope is allowed', async () => {
    const access = await ticketsWith().tickets.accessOf(undefined);
    expect([access.isAnonymous, access.names(ORDER_ID), access.has('status')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('a ticket that was valid before', () => {
  it('is known at once, by exactly what was sent, and never before it was verified', async () => {
    const { tickets, good } = ticketsWith();
    const ticket = await bearer(good);
    expect(tickets.recall(ticket)).toBeUndefined();
    const access = await tickets.accessOf(ticket);
    expect(tickets.recall(ticket)).toBe(access);
    expect(await tickets.accessOf(ticket)).toBe(access);
    expect(tickets.recall(`${ticket}x`)).toBeUndefined();
    const forged = await bearer(good, 'x'.repeat(64));
    await expect(tickets.accessOf(forged)).rejects.toMatchObject(refused);
    expect(tickets.recall(forged)).toBeUndefined();
  });

  it('is one and the same in every spelling of its signature, and has one allowance', async () => {
    const { tickets, good } = ticketsWith();
    const ticket = await bearer(good);
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    // The last of 43 digits stands for four bits of the signature, and two that nobody reads.
    const first = digits.indexOf(ticket.at(-1) ?? '') & ~3;
    const spellings = [0, 1, 2, 3].map((n) => ticket.slice(0, -1) + digits[first + n]);
    const known = await Promise.all(spellings.map((each) => tickets.accessOf(each)));
    expect(new Set(spellings).size).toBe(4);
    expect(new Set(known.map((access) => access.ticket)).size).toBe(1);
    const other = await tickets.accessOf(await bearer({ ...good, jti: 'another' }));
    expect(other.ticket).not.toBe(known[0]?.ticket);
  });

  it('is forgotten the moment that it is over, to the millisecond', async () => {
    const { tickets, good, clock } = ticketsWith();
    const ticket = await bearer(good);
    const { expiresAt } = await tickets.accessOf(ticket);
    await clock.advance((expiresAt ?? 0) - clock.now() - 1);
    expect(tickets.recall(ticket)).toBeDefined();
    await clock.advance(1);
    expect(tickets.recall(ticket)).toBeUndefined();
    await expect(tickets.accessOf(ticket)).rejects.toMatchObject(refused);
  });

  it('allows what another allows under the same name, and not what one allows that allows more', async () => {
    const { tickets, good } = ticketsWith();
    const rightsOf = async (claims: Claims) =>
      (await tickets.accessOf(await bearer({ ...good, ...claims }))).rights;
    const rights = await rightsOf({});
    expect(await rightsOf({ jti: 'another', scope: 'status nonsense' })).toBe(rights);
    expect(await rightsOf({ topups: [ORDER_ID, ORDER_ID] })).toBe(rights);
    const others = await Promise.all(
      [{ scope: 'status card' }, { scope: '' }, { topups: [] }, { topups: '*' }].map(rightsOf),
    );
    const more = await rightsOf({ topups: [ORDER_ID, OTHER_ID] });
    expect(await rightsOf({ topups: [OTHER_ID, ORDER_ID] })).toBe(more);
    expect(new Set([rights, more, ...others, 'nothing', 'everything']).size).toBe(8);
  });
});

describe('the keys behind an address', () => {
  const AUTH: AuthConfig = {
    kind: 'key set',
    url: 'https://shop.example/jwks.json',
    issuer: undefined,
    audience: undefined,
  };

  async function keyServer() {
    const keys = new Map<string, CryptoKeyPair>();
    const server = {
      keys,
      isDown: false,
      fetched: 0,
      failure: (): Response | undefined => undefined,
    };
    const fetch: Fetch = async () => {
      server.fetched += 1;
      if (server.isDown) throw new TypeError('fetch failed');
      const failure = server.failure();
      if (failure !== undefined) return failure;
      const jwks = [...keys].map(async ([kid, { publicKey }]) => ({
        ...(await exportJWK(publicKey)),
        kid,
      }));
      return Response.json({ keys: await Promise.all(jwks) });
    };
    const add = async (kid: string) => {
      keys.set(kid, await generateKeyPair('ES256', { extractable: true }));
    };
    await add('one');
    const sign = async (kid: string, claims: Claims) => {
      const key = keys.get(kid);
      if (key === undefined) throw new Error(`no key ${kid}`);
      const jwt = new SignJWT(asPayload(claims)).setProtectedHeader({ alg: 'ES256', kid });
      return `Bearer ${await jwt.sign(key.privateKey)}`;
    };
    return { ...ticketsWith(AUTH, fetch), server, add, sign };
  }

  it('are fetched once, and tell good tickets from forged ones', async () => {
    const { tickets, good, sign, server } = await keyServer();
    for (let n = 0; n < 5; n += 1) await tickets.accessOf(await sign('one', good));
    expect(server.fetched).toBe(1);
    const other = await keyServer();
    await expect(tickets.accessOf(await other.sign('one', good))).rejects.toMatchObject(refused);
  });

  it('do not pass for a secret', async () => {
    const { tickets, good, server } = await keyServer();
    const key = server.keys.get('one');
    if (key === undefined) throw new Error('no key');
    for (const secret of [JSON.stringify(await exportJWK(key.publicKey)), 'x'.repeat(64)]) {
      const ticket = await bearer(good, secret);
      await expect(tickets.accessOf(ticket)).rejects.toMatchObject(refused);
    }
  });

  it('go on working while their server is down, which is asked every 30 s, and others stay out', async () => {
    // The library goes by the time of the machine: without it, the server would not be asked again.
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const { tickets, good, sign, server, add, clock } = await keyServer();
    const pass = async (ms: number) => {
      vi.advanceTimersByTime(ms);
      await clock.advance(ms);
    };
    await tickets.accessOf(await sign('one', good));
    server.isDown = true;
    await pass(3_600_000);
    const later = { ...good, exp: clock.now() / 1_000 + 600 };
    /** A ticket that was not verified before. */
    const another = (kid: string) => sign(kid, { ...later, nonce: server.fetched });
    expect((await tickets.accessOf(await sign('one', later))).names(ORDER_ID)).toBe(true);
    expect(server.fetched).toBe(2);
    await add('two');
    await expect(tickets.accessOf(await another('two'))).rejects.toMatchObject(refused);
    await pass(29_999);
    expect((await tickets.accessOf(await another('one'))).names(ORDER_ID)).toBe(true);
    expect(server.fetched).toBe(2);
    server.isDown = false;
    await pass(1);
    expect((await tickets.accessOf(await another('two'))).names(ORDER_ID)).toBe(true);
    expect(server.fetched).toBe(3);
  });

  it.each([
    ['an error', () => new Response('', { status: 500 })],
    ['another address', () => new Response('', { status: 302 })],
    ['a page', () => new Response('<html>')],
    ['no keys', () => Response.json({ keys: [null] })],
  ])(
    'are missing where the server answers with %s: that is no fault of a ticket',
    async (_what, failure) => {
      const { tickets, good, sign, server } = await keyServer();
      server.failure = failure;
      const ticket = await sign('one', good);
      const fault = { code: 'INTERNAL_SERVER_ERROR' };
      await expect(tickets.accessOf(ticket)).rejects.toMatchObject(fault);
      server.failure = () => undefined;
      expect((await tickets.accessOf(ticket)).names(ORDER_ID)).toBe(true);
    },
  );

  it('do not fill the log when they cannot be fetched', async () => {
    const { tickets, good, sign, server, logger, clock } = await keyServer();
    server.isDown = true;
    const ticket = await sign('one', { ...good, exp: clock.now() / 1_000 + 3_600 });
    for (const waitMs of [0, 60_000, 8 * 60_000, 60_000]) {
      await clock.advance(waitMs);
      await expect(tickets.accessOf(ticket)).rejects.toThrow();
    }
    expect(logger.lines.map(({ level, fields }) => [level, fields['times']])).toEqual([
      ['warn', 1],
      ['warn', 3],
    ]);
  });

  it('may change: a new one is found, and one that was taken back does not pass for ever', async () => {
    // The library goes by the time of the machine.
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const { tickets, good, sign, server, add, clock } = await keyServer();
    const pass = async (ms: number) => {
      vi.advanceTimersByTime(ms);
      await clock.advance(ms);
    };
    const lasting = { ...good, exp: clock.now() / 1_000 + 3_600 };
    const old = await sign('one', lasting);
    await tickets.accessOf(old);
    await add('two');
    await pass(29_999);
    await expect(tickets.accessOf(await sign('two', lasting))).rejects.toMatchObject(refused);
    await pass(1);
    expect((await tickets.accessOf(await sign('two', lasting))).names(ORDER_ID)).toBe(true);
    expect((await tickets.accessOf(old)).names(ORDER_ID)).toBe(true);
    server.keys.delete('one');
    await pass(601_000);
    await expect(tickets.accessOf(old)).rejects.toMatchObject(refused);
    expect(server.fetched).toBe(3);
  });

  it('may change after the clock was set back', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const { tickets, good, sign, add, clock } = await keyServer();
    const lasting = { ...good, exp: clock.now() / 1_000 + 3_600 };
    const old = await sign('one', lasting);
    await tickets.accessOf(old);
    vi.setSystemTime(Date.now() - 24 * 3_600_000);
    clock.set(-24 * 3_600_000);
    expect(tickets.recall(old)).toBeUndefined();
    await add('two');
    expect((await tickets.accessOf(await sign('two', lasting))).names(ORDER_ID)).toBe(true);
  });

  it('of strangers, one after the other, do not have the server asked each time', async () => {
    const { tickets, good, sign, server } = await keyServer();
    await tickets.accessOf(await sign('one', good));
    for (const kid of ['a', 'b', 'c', 'd']) {
      const stranger = await keyServer();
      await stranger.add(kid);
      await expect(tickets.accessOf(await stranger.sign(kid, good))).rejects.toMatchObject(refused);
    }
    expect(server.fetched).toBe(1);
  });

  it('are asked for again a minute after a ticket was found valid, as one may be withdrawn', async () => {
    const { tickets, good, sign, clock } = await keyServer();
    const ticket = await sign('one', { ...good, exp: clock.now() / 1_000 + 3_600 });
    await tickets.accessOf(ticket);
    await clock.advance(59_999);
    expect(tickets.recall(ticket)).toBeDefined();
    await clock.advance(1);
    expect(tickets.recall(ticket)).toBeUndefined();
    expect((await tickets.accessOf(ticket)).names(ORDER_ID)).toBe(true);
  });

  it('that cannot be had yet are a fault of the gateway, not of the ticket', async () => {
    const { tickets, good, sign, server } = await keyServer();
    server.isDown = true;
    const code = 'INTERNAL_SERVER_ERROR';
    await expect(tickets.accessOf(await sign('one', good))).rejects.toMatchObject({ code });
    server.isDown = false;
    expect((await tickets.accessOf(await sign('one', good))).names(ORDER_ID)).toBe(true);
  });

  it('are not blamed for a ticket that fits none of them, or more than one', async () => {
    const { tickets, good, sign, add, server, logger } = await keyServer();
    await add('two');
    const key = server.keys.get('one');
    if (key === undefined) throw new Error('no key');
    const unnamed = new SignJWT(asPayload(good)).setProtectedHeader({ alg: 'ES256' });
    const stranger = await keyServer();
    await stranger.add('three');
    for (const ticket of [
      `Bearer ${await unnamed.sign(key.privateKey)}`,
      await stranger.sign('three', good),
    ]) {
      await expect(tickets.accessOf(ticket)).rejects.toMatchObject(refused);
    }
    expect((await tickets.accessOf(await sign('two', good))).names(ORDER_ID)).toBe(true);
    expect(logger.lines.map(({ message }) => message)).toEqual(['tickets are refused']);
  });

  it('that do not come in time are a fault of the gateway as well', async () => {
    const { good, sign } = await keyServer();
    const { tickets } = ticketsWith(AUTH, async () => {
      throw new DOMException('The operation timed out.', 'TimeoutError');
    });
    const code = 'INTERNAL_SERVER_ERROR';
    await expect(tickets.accessOf(await sign('one', good))).rejects.toMatchObject({ code });
  });

  const ALGORITHMS = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519';

  it.each(ALGORITHMS.split(' '))('may be for %s', async (alg) => {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    const keys = [{ ...(await exportJWK(publicKey)), alg, kid: 'one' }];
    const { tickets, good } = ticketsWith(AUTH, async () => Response.json({ keys }));
    const jwt = new SignJWT(asPayload(good)).setProtectedHeader({ alg, kid: 'one' });
    const access = await tickets.accessOf(`Bearer ${await jwt.sign(privateKey)}`);
    expect(access.names(ORDER_ID)).toBe(true);
  });
});

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
