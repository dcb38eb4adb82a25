import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JWTVerifyGetKey,
} from 'jose';
import { loggedError } from '../core/logged-error.ts';
import type { Clock, Fetch, Logger } from '../core/ports.ts';

/** Whoever signs with a secret that both know. */
export const SECRET_ALGORITHMS = ['HS256'];
/** Whoever signs with a key of their own. Never HS256: a public key must not pass for a secret. */
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
/** After this long the keys are fetched anew, so that one that was withdrawn does not pass for ever. */
const FRESH_MS = 10 * 60_000;
/** Between two fetches, for a key that is not known or a server that does not answer. */
const COOLDOWN_MS = 30_000;

export interface KeySetOptions {
  readonly url: string;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The public keys behind an address: fetched when first needed, every ten minutes, and for a key that is not
 * known. While the server is down, the keys that are known go on working.
 */
export function remoteKeys({ url, fetch, clock, logger }: KeySetOptions): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(new URL(url), {
    timeoutDuration: TIMEOUT_MS,
    cacheMaxAge: FRESH_MS,
    cooldownDuration: COOLDOWN_MS,
    [customFetch]: (address, init) => fetch(address, init),
  });
  let known: JWTVerifyGetKey | undefined;
  let downUntil = 0;

  async function fetched(...asked: Parameters<JWTVerifyGetKey>) {
    const key = await remote(...asked);
    const keys = remote.jwks();
    if (keys !== undefined) known = createLocalJWKSet(keys);
    return key;
  }

  function onFailure(error: unknown): void {
    downUntil = clock.now() + COOLDOWN_MS;
    logger.warn(
      loggedError(error),
      'the keys of AUTH_JWKS_URL cannot be fetched; known ones go on working',
    );
  }

  return async (...asked) => {
    if (known !== undefined && clock.now() < downUntil) return known(...asked);
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

/** Says something of the ticket, which anybody may have made, and nothing of the server. */
function isOfTheTicket(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys
  );
}
