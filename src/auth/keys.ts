import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JWTVerifyGetKey,
} from 'jose';
import { MINUTE_MS } from '../core/durations.ts';
import { loggedError } from '../core/logged-error.ts';
import type { Clock, Fetch, Logger } from '../core/ports.ts';
import { Seldom } from '../core/seldom.ts';

/** For tickets signed with a shared secret. */
export const SECRET_ALGORITHMS = ['HS256'];
/** For tickets signed with a private key. Never HS256: a public key must not pass for a secret. */
export const KEY_SET_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

const TIMEOUT_MS = 3_000;
/** After this long the keys are fetched again, so that a withdrawn key does not stay valid for ever. */
const FRESH_MS = 10 * MINUTE_MS;
/** The shortest time between two fetches that an unknown key or a failing server causes. */
const COOLDOWN_MS = 30_000;
/** Until the keys were fetched once, each request with a ticket fails to. */
export const WARN_EVERY_MS = 10 * MINUTE_MS;

interface KeySetOptions {
  readonly url: string;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The public keys at a URL: fetched when first needed, every ten minutes, and for a ticket with an unknown key. While
 * the server is down, the known keys go on working.
 */
export function remoteKeys({ url, fetch, clock, logger }: KeySetOptions): JWTVerifyGetKey {
  const newRemote = () =>
    createRemoteJWKSet(new URL(url), {
      timeoutDuration: TIMEOUT_MS,
      cacheMaxAge: FRESH_MS,
      cooldownDuration: COOLDOWN_MS,
      [customFetch]: (address, init) => fetch(address, init),
    });
  let remote = newRemote();
  let usedAt = 0;
  let known: JWTVerifyGetKey | undefined;
  let downUntil = 0;
  const failures = new Seldom(clock, WARN_EVERY_MS);

  async function fetched(...asked: Parameters<JWTVerifyGetKey>) {
    // The library goes by the system's clock: when that is set back, it would fetch no keys until the clock caught up.
    if (clock.now() < usedAt) remote = newRemote();
    usedAt = clock.now();
    const key = await remote(...asked);
    const keys = remote.jwks();
    if (keys !== undefined) known = createLocalJWKSet(keys);
    return key;
  }

  function onFailure(error: unknown): void {
    downUntil = clock.steady() + COOLDOWN_MS;
    const times = failures.times();
    if (times === undefined) return;
    logger.warn(
      { ...loggedError(error), times },
      'the keys of AUTH_JWKS_URL cannot be fetched; known ones go on working',
    );
  }

  return async (...asked) => {
    if (known !== undefined && clock.steady() < downUntil) return known(...asked);
    try {
      return await fetched(...asked);
    } catch (error) {
      if (isOfTheTicket(error)) throw error;
      onFailure(error);
      if (known === undefined) throw error;
      return known(...asked);
    }
  };
}

/** Whether the error is a fault of the ticket, which anybody may have made, rather than of the server. */
function isOfTheTicket(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys
  );
}
