import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { StartupError } from '../../src/errors.ts';
import { DEFAULT_LIMITS, type Limits } from '../../src/limits/limits.ts';

function faultOf(environment: Record<string, string>): StartupError {
  try {
    parseConfig(environment);
  } catch (error) {
    if (error instanceof StartupError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('parseConfig', () => {
  it('needs nothing', () => {
    expect(parseConfig({})).toEqual({
      apiKey: undefined,
      baseUrl: 'https://api.oneclickdz.com',
      callsPerMinute: 120,
      isLimitAssumed: true,
      upstreamTimeoutMs: 15_000,
      host: '127.0.0.1',
      port: 4_000,
      databaseUrl: 'file:data/gateway.db',
      logLevel: 'info',
      allowedOrigins: [],
      limits: DEFAULT_LIMITS,
      auth: { kind: 'none' },
      isOpenOnPurpose: false,
      anyHost: false,
    });
  });

  it.each(['0.0.0.0', '::', '192.168.1.2', 'shop.example'])(
    'refuses to be reached from outside at %s without asking for tickets',
    (HOST) => {
      expect(() => parseConfig({ HOST })).toThrow(/AUTH_JWT_SECRET or AUTH_JWKS_URL/);
      expect(parseConfig({ HOST, AUTH: 'none' }).isOpenOnPurpose).toBe(true);
      expect(parseConfig({ HOST, AUTH_JWT_SECRET: 'x'.repeat(32) }).auth.kind).toBe('secret');
      const AUTH_JWKS_URL = 'https://shop.example/jwks.json';
      expect(parseConfig({ HOST, AUTH_JWKS_URL }).auth.kind).toBe('key set');
    },
  );

  it.each([
    [{}, false],
    [{ AUTH_JWT_SECRET: 'x'.repeat(32) }, true],
    [{ AUTH_JWKS_URL: 'https://shop.example/jwks.json' }, true],
    [{ AUTH: 'none' }, true],
  ])('lets requests have any Host where something else says who may ask: %j', (given, anyHost) => {
    expect(parseConfig(given).anyHost).toBe(anyHost);
  });

  it('takes one way to tell tickets, and no weak secret', () => {
    const AUTH_JWT_SECRET = 'x'.repeat(32);
    expect(() => parseConfig({ AUTH: 'none', AUTH_JWT_SECRET })).toThrow(/only one/);
    expect(() => parseConfig({ AUTH_JWT_SECRET: 'hunter2' })).toThrow(
      /AUTH_JWT_SECRET: expected at least 32 bytes; got something else \(not shown\)/,
    );
    expect(() => parseConfig({ AUTH: 'off' })).toThrow(/AUTH: expected `none`/);
    expect(() => parseConfig({ AUTH_JWKS_URL: 'http://shop.example/' })).toThrow(
      /an https address/,
    );
  });

  it('names contradictions beside malformed variables', () => {
    const { message } = faultOf({ HOST: '0.0.0.0', LOG_LEVEL: 'x', AUTH_ISSUER: 'shop' });
    expect(message).toMatch(
      /LOG_LEVEL: expected one of .*\n {2}HOST 0\.0\.0\.0 .*\n {2}AUTH_ISSUER /,
    );
  });

  it.each(['AUTH_ISSUER', 'AUTH_AUDIENCE'])('takes %s with tickets only', (name) => {
    const expected = new RegExp(`${name} is for tickets`);
    expect(() => parseConfig({ [name]: 'shop' })).toThrow(expected);
    expect(() => parseConfig({ [name]: 'shop', AUTH: 'none' })).toThrow(expected);
    const AUTH_JWT_SECRET = 'x'.repeat(32);
    expect(parseConfig({ [name]: 'shop', AUTH_JWT_SECRET }).auth.kind).toBe('secret');
  });

  it('takes an empty variable for one that is not set', () => {
    expect(parseConfig({ PORT: '', ONECLICKDZ_API_KEY: '' })).toEqual(parseConfig({}));
  });

  it('takes the keys of card codes', () => {
    const keys = [1, 2].map((n) => ({ id: `k${n}`, key: Buffer.alloc(32, n) }));
    const CARD_CODE_KEYS = keys.map(({ id, key }) => `${id}:${key.toString('base64')}`).join();
    expect(parseConfig({ CARD_CODE_KEYS }).cardKeys).toEqual(keys);
  });

  it('takes what is set', () => {
    expect(
      parseConfig({
        ONECLICKDZ_API_KEY: 'k-1',
        ONECLICKDZ_BASE_URL: 'http://127.0.0.1:4100',
        UPSTREAM_CALLS_PER_MINUTE: '60',
        UPSTREAM_TIMEOUT_MS: '9000',
        HOST: 'localhost',
        PORT: '0',
        DATABASE_URL: 'file:elsewhere.db',
        LOG_LEVEL: 'warn',
        ALLOWED_ORIGINS: 'https://a.example, http://localhost:5173, capacitor://localhost',
      }),
    ).toMatchObject({
      apiKey: 'k-1',
      baseUrl: 'http://127.0.0.1:4100',
      callsPerMinute: 60,
      isLimitAssumed: false,
      upstreamTimeoutMs: 9_000,
      host: 'localhost',
      port: 0,
      databaseUrl: 'file:elsewhere.db',
      logLevel: 'warn',
      allowedOrigins: ['https://a.example', 'http://localhost:5173', 'capacitor://localhost'],
    });
  });

  it.each<[name: string, limit: keyof Limits, value: number]>([
    ['MAX_BODY_BYTES', 'bodyBytes', 2_001],
    ['MAX_QUERY_TOKENS', 'queryTokens', 2_002],
    ['MAX_QUERY_DEPTH', 'queryDepth', 203],
    ['MAX_QUERY_COST', 'queryCost', 2_004],
    ['MAX_QUERY_ALIASES', 'queryAliases', 0],
    ['MAX_MESSAGE_BYTES', 'messageBytes', 2_005],
    ['MAX_CONNECTIONS', 'connections', 2_006],
    ['MAX_CONNECTIONS_PER_ADDRESS', 'connectionsPerAddress', 2_007],
    ['MAX_SUBSCRIPTIONS_PER_CONNECTION', 'subscriptionsPerConnection', 2_008],
    ['CONNECTION_INIT_TIMEOUT_MS', 'connectionInitTimeoutMs', 2_009],
    ['MAX_MESSAGES_PER_SECOND', 'messagesPerSecond', 2_010],
    ['SLOW_CLIENT_TIMEOUT_MS', 'slowClientTimeoutMs', 2_011],
    ['REQUEST_TIMEOUT_MS', 'requestTimeoutMs', 2_012],
    ['UNCACHED_LOOKUPS_PER_MINUTE', 'uncachedLookupsPerMinute', 2_013],
    ['TRUST_PROXY', 'trustedProxies', 2],
  ])('takes %s for what it says, and for nothing else', (name, limit, value) => {
    const { limits } = parseConfig({ [name]: String(value) });
    expect(limits).toEqual({ ...DEFAULT_LIMITS, [limit]: value });
    expect(() => parseConfig({ [name]: '-1' })).toThrow(`${name}: expected a whole number`);
  });

  it('switches off what is to be off', () => {
    for (const [name, limit] of [
      ['INTROSPECTION', 'introspection'],
      ['GRAPHIQL', 'graphiql'],
    ] as const) {
      expect(parseConfig({ [name]: 'off' }).limits).toEqual({ ...DEFAULT_LIMITS, [limit]: false });
      expect(parseConfig({ [name]: 'on' }).limits).toEqual(DEFAULT_LIMITS);
      for (const text of ['true', 'false', '0', 'OFF'])
        expect(() => parseConfig({ [name]: text })).toThrow(`${name}: expected on or off`);
    }
  });

  it('has one client cause at most half of the calls, rounded up, where nothing else is set', () => {
    const lookupsOf = (calls: string) =>
      parseConfig({ UPSTREAM_CALLS_PER_MINUTE: calls }).limits.uncachedLookupsPerMinute;
    expect([lookupsOf('60'), lookupsOf('5')]).toEqual([30, 3]);
  });

  it('takes tickets as they are to be told from forgeries', () => {
    const expected = { AUTH_ISSUER: 'shop', AUTH_AUDIENCE: 'gateway' };
    const told = { issuer: 'shop', audience: 'gateway' };
    const secret = 'x'.repeat(32);
    expect(parseConfig({ ...expected, AUTH_JWT_SECRET: secret }).auth).toEqual({
      kind: 'secret',
      secret,
      ...told,
    });
    const url = 'https://shop.example/jwks.json';
    expect(parseConfig({ ...expected, AUTH_JWKS_URL: url }).auth).toEqual({
      kind: 'key set',
      url,
      ...told,
    });
  });

  it('reports every fault at once: the name, what was expected, what came', () => {
    const fault = faultOf({
      PORT: '80a',
      LOG_LEVEL: 'loud',
      UPSTREAM_CALLS_PER_MINUTE: '0',
      DATABASE_URL: 'postgres://x',
      ALLOWED_ORIGINS: 'https://a.example/path',
    });
    expect(fault.exitCode).toBe(78);
    expect(fault.message).toMatchInlineSnapshot(`
      "the configuration is wrong:
        UPSTREAM_CALLS_PER_MINUTE: expected a whole number from 5 to 100000; got "0"
        PORT: expected a whole number from 0 to 65535; got "80a"
        DATABASE_URL: expected file:PATH, or file::memory:; got "postgres://x"
        LOG_LEVEL: expected one of trace, debug, info, warn, error, silent; got "loud"
        ALLOWED_ORIGINS: expected origins such as https://shop.example (nothing after the host and port), separated by commas; got "https://a.example/path""
    `);
  });

  it('lists what is wrong with the file of trusted documents among the rest', () => {
    const { exitCode, message } = faultOf({
      PORT: 'x',
      TRUSTED_DOCUMENTS: '/nowhere/trusted.json',
    });
    expect(exitCode).toBe(78);
    expect(message).toContain('\n  PORT: expected');
    expect(message).toContain(
      '\n  TRUSTED_DOCUMENTS: expected a file that can be read (ENOENT); got "/nowhere/trusted.json"',
    );
  });

  it('names a misspelt variable beside the faults that it may have caused', () => {
    const AUTH_JWT_SECRETS = 'x'.repeat(32);
    const { message } = faultOf({ HOST: '0.0.0.0', AUTH_JWT_SECRETS });
    expect(message).toMatch(
      /\n {2}HOST 0\.0\.0\.0 .*\n {2}AUTH_JWT_SECRETS is ignored: it was probably meant to be AUTH_JWT_SECRET$/,
    );
    expect(message).not.toContain(AUTH_JWT_SECRETS);
  });

  it.each([
    ['HOST', '127.0.0.1:4000/x'],
    ['HOST', 'my host'],
    ['AUTH_JWKS_URL', 'keys'],
    ['AUTH_JWKS_URL', 'ftp://127.0.0.1/jwks.json'],
    // `fetch` takes no such address: no ticket would ever be valid.
    ['AUTH_JWKS_URL', 'https://me:secret@shop.example/jwks.json'],
    ['ALLOWED_ORIGINS', 'shop.example'],
    ['ALLOWED_ORIGINS', 'ftp://shop.example'],
    ['ALLOWED_ORIGINS', 'capacitor://localhost/page'],
    ['ALLOWED_ORIGINS', 'https://shop.example/'],
    ['ALLOWED_ORIGINS', 'https://shop.example,'],
    ['ALLOWED_ORIGINS', 'null'],
    ['ALLOWED_ORIGINS', '*'],
  ])('does not take %s for %s', (name, text) => {
    expect(faultOf({ [name]: text }).message).toContain(`\n  ${name}: expected `);
  });

  it('never shows the key, not even a wrong one', () => {
    const fault = faultOf({ ONECLICKDZ_API_KEY: 'secret with blanks' });
    expect(fault.message).toContain('ONECLICKDZ_API_KEY: expected the key');
    expect(fault.message).not.toContain('secret');
  });

  it('never shows keys of card codes, of which one may be wrong and the others in use', () => {
    const key = Buffer.alloc(32, 7).toString('base64');
    const { message } = faultOf({ CARD_CODE_KEYS: `good:${key},bad:short` });
    expect(message).toContain('CARD_CODE_KEYS: expected keys as `id:base64,…`');
    expect(message).not.toContain(key);
  });

  it('shows no password of an address', () => {
    const { message } = faultOf({ DATABASE_URL: 'postgres://user:secret@host/db' });
    expect(message).toContain('got "postgres://…@host/db"');
  });

  it.each([
    'http://api.example',
    'https://api.example/v3',
    'https://api.example/?v=3',
    'https://api.example/#v3',
    'https://user:pass@api.example',
    'ftp://127.0.0.1',
    'api.example',
  ])('sends no key to %s', (baseUrl) => {
    expect(faultOf({ ONECLICKDZ_BASE_URL: baseUrl }).message).toContain('ONECLICKDZ_BASE_URL');
  });
});
