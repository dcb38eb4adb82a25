import * as z from 'zod';
import type { AuthConfig } from './auth/tickets.ts';
import type { CardKey } from './cards/card-codes.ts';
import { CARD_KEYS_EXPECTED, parseCardKeys } from './cards/card-keys.ts';
import { isLoopback } from './core/loopback.ts';
import { LOG_LEVELS, type LogLevel } from './core/ports.ts';
import { EXIT_CONFIG, StartupError } from './errors.ts';
import type { Limits } from './limits/limits.ts';
import { limitVariables, toLimits } from './limits/variables.ts';
import { meantBy } from './misspelt.ts';
import { wholeNumber } from './whole-number.ts';

export interface Config {
  /** Without a key the gateway runs on its simulator. */
  readonly apiKey: string | undefined;
  readonly baseUrl: string;
  readonly callsPerMinute: number;
  /** Whether `callsPerMinute` is the default, since nobody said what the key allows. */
  readonly isLimitAssumed: boolean;
  readonly upstreamTimeoutMs: number;
  readonly host: string;
  readonly port: number;
  readonly databaseUrl: string;
  readonly logLevel: LogLevel;
  /** Origins of web pages that may use this gateway, besides its own. */
  readonly allowedOrigins: readonly string[];
  /** How much of the gateway clients may use. */
  readonly limits: Limits;
  /** `undefined`: the keys come from the key file beside the database. */
  readonly cardKeys: readonly CardKey[] | undefined;
  readonly auth: AuthConfig;
  /** Whether AUTH=none turns access control off, whatever address the gateway listens on. */
  readonly isOpenOnPurpose: boolean;
  /** Whether requests may have any `Host`: a ticket, or the proxy that AUTH=none speaks of, says who may ask. */
  readonly anyHost: boolean;
}

const BASE_URL_EXPECTED =
  'an https address without a path, or http on a loopback address (the key travels with each call)';

const KEY_SET_URL_EXPECTED =
  'an https address, or http on a loopback address, without a user name and a password';

const environmentSchema = z.object({
  ONECLICKDZ_API_KEY: z
    .string()
    .regex(/^[\x21-\x7e]{1,256}$/, 'the key as OneClickDz shows it, without blanks')
    .optional(),
  ONECLICKDZ_BASE_URL: z
    .string()
    .refine(isBaseUrl, BASE_URL_EXPECTED)
    .default('https://api.oneclickdz.com'),
  UPSTREAM_CALLS_PER_MINUTE: wholeNumber(5, 100_000).default(120),
  UPSTREAM_TIMEOUT_MS: wholeNumber(100, 300_000).default(15_000),
  HOST: z
    .string()
    .regex(/^[A-Za-z0-9.:_-]+$/, 'a host name or an address to listen on')
    .default('127.0.0.1'),
  PORT: wholeNumber(0, 65_535).default(4_000),
  DATABASE_URL: z
    .string()
    .regex(/^file:.+/, 'file:PATH, or file::memory:')
    .default('file:data/gateway.db'),
  LOG_LEVEL: z.enum(LOG_LEVELS, `one of ${LOG_LEVELS.join(', ')}`).default('info'),
  ALLOWED_ORIGINS: z
    .string()
    .transform((text) => text.split(',').map((origin) => origin.trim()))
    .refine(
      (origins) => origins.every(isOrigin),
      'origins such as https://shop.example (nothing after the host and port), separated by commas',
    )
    .default([]),
  ...limitVariables,
  CARD_CODE_KEYS: z
    .string()
    .transform((text, context) => {
      const keys = parseCardKeys(text);
      if (keys !== undefined) return keys;
      context.addIssue(CARD_KEYS_EXPECTED);
      return z.NEVER;
    })
    .optional(),
  AUTH: z.literal('none', '`none`, or not set').optional(),
  AUTH_JWT_SECRET: z
    .string()
    .refine((text) => Buffer.byteLength(text) >= 32, 'at least 32 bytes')
    .optional(),
  AUTH_JWKS_URL: z.string().refine(isKeySetUrl, KEY_SET_URL_EXPECTED).optional(),
  AUTH_ISSUER: z.string().optional(),
  AUTH_AUDIENCE: z.string().optional(),
});

type Variable = keyof typeof environmentSchema.shape;

/** The names of all variables. */
export const VARIABLES: readonly string[] = Object.keys(environmentSchema.shape);

/** Variables whose value is never printed, not even when it is malformed. */
const SECRETS: ReadonlySet<string> = new Set<Variable>([
  'ONECLICKDZ_API_KEY',
  'AUTH_JWT_SECRET',
  'CARD_CODE_KEYS',
]);

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Parses the configuration. An empty variable counts as not set.
 *
 * @throws StartupError with exit code 78. Its message lists all faults at once: malformed variables, each with what was
 *   expected and what came, and variables that contradict each other.
 */
export function parseConfig(environment: Environment): Config {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const { data, error } = environmentSchema.safeParse(given);
  const faults = [...malformed(error?.issues ?? [], given), ...contradictions(given)];
  if (data === undefined || faults.length > 0) {
    const lines = [...faults, ...misspelt(given)].map((fault) => `\n  ${fault}`).join('');
    throw new StartupError(`the configuration is wrong:${lines}`, { exitCode: EXIT_CONFIG });
  }
  const auth = toAuth(data);
  const isOpenOnPurpose = data.AUTH === 'none';
  return {
    apiKey: data.ONECLICKDZ_API_KEY,
    baseUrl: data.ONECLICKDZ_BASE_URL,
    callsPerMinute: data.UPSTREAM_CALLS_PER_MINUTE,
    isLimitAssumed: given['UPSTREAM_CALLS_PER_MINUTE'] === undefined,
    upstreamTimeoutMs: data.UPSTREAM_TIMEOUT_MS,
    host: data.HOST,
    port: data.PORT,
    databaseUrl: data.DATABASE_URL,
    logLevel: data.LOG_LEVEL,
    allowedOrigins: data.ALLOWED_ORIGINS,
    limits: toLimits(data),
    cardKeys: data.CARD_CODE_KEYS,
    auth,
    isOpenOnPurpose,
    anyHost: isOpenOnPurpose || auth.kind !== 'none',
  };
}

/** A line for each variable that is not ours, and was probably meant to be one that is not set. */
export function misspelt(environment: Environment): readonly string[] {
  const unset = VARIABLES.filter((name) => (environment[name] ?? '') === '');
  return Object.keys(environment).flatMap((name) => {
    const meant = VARIABLES.includes(name) ? undefined : meantBy(name, unset);
    return meant === undefined ? [] : [`${name} is ignored: it was probably meant to be ${meant}`];
  });
}

function toAuth(data: z.infer<typeof environmentSchema>): AuthConfig {
  const { AUTH_JWT_SECRET: secret, AUTH_JWKS_URL: url } = data;
  const expected = { issuer: data.AUTH_ISSUER, audience: data.AUTH_AUDIENCE };
  if (secret !== undefined) return { kind: 'secret', secret, ...expected };
  if (url !== undefined) return { kind: 'key set', url, ...expected };
  return { kind: 'none' };
}

function malformed(issues: readonly z.core.$ZodIssue[], given: Environment): readonly string[] {
  const expected = new Map(issues.map(({ path, message }) => [String(path[0]), message]));
  return [...expected].map(([name, message]) => {
    const came = SECRETS.has(name)
      ? 'something else (not shown)'
      : JSON.stringify(withoutPassword(given[name] ?? ''));
    return `${name}: expected ${message}; got ${came}`;
  });
}

/** Variables that are well-formed, or may be, and cannot be meant together. */
function contradictions(given: Environment): readonly string[] {
  const faults: string[] = [];
  const { HOST: host, AUTH_JWT_SECRET: secret, AUTH_JWKS_URL: url, AUTH: auth } = given;
  const ways = [auth, secret, url].filter((value) => value !== undefined).length;
  if (ways > 1) faults.push('set only one of AUTH, AUTH_JWT_SECRET and AUTH_JWKS_URL');
  if (ways === 0 && host !== undefined && !isLoopback(host)) {
    faults.push(
      `HOST ${host} can be reached from outside, and nobody would be asked for a ticket: set AUTH_JWT_SECRET or AUTH_JWKS_URL (or AUTH=none behind a proxy that decides who may ask)`,
    );
  }
  if (secret !== undefined || url !== undefined) return faults;
  for (const name of ['AUTH_ISSUER', 'AUTH_AUDIENCE']) {
    if (given[name] === undefined) continue;
    faults.push(
      `${name} is for tickets, and none are asked for: set AUTH_JWT_SECRET or AUTH_JWKS_URL`,
    );
  }
  return faults;
}

/** A URL may contain a user name and a password. */
function withoutPassword(text: string): string {
  return text.replace(/\/\/[^/]*@/, '//…@');
}

function isBaseUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.search !== '' || url.hash !== '' || url.pathname !== '/') return false;
  return isNameless(url) && isPrivate(url);
}

function isKeySetUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && isNameless(url) && isPrivate(url);
}

/** `fetch` refuses an address with a user name or a password. */
function isNameless({ username, password }: URL): boolean {
  return username === '' && password === '';
}

/** Whether nobody on the way can read or change what is exchanged. */
function isPrivate({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

/** The origins of pages inside apps, which `URL` does not know as origins. */
const APP_ORIGIN = /^(?:capacitor|ionic|tauri):\/\/[a-z0-9.-]+$/;

function isOrigin(text: string): boolean {
  if (APP_ORIGIN.test(text)) return true;
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === text;
}
