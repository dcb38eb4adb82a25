import { createHash, createSecretKey } from 'node:crypto';
import { errors, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose';
import { type Access, FULL_ACCESS, NO_ACCESS } from '../core/access.ts';
import type { Clock, Fetch, Logger } from '../core/ports.ts';
import { Seldom } from '../core/seldom.ts';
import { GatewayError } from '../errors.ts';
import { accessOf, CLOCK_TOLERANCE_SECONDS } from './claims.ts';
import { KEY_SET_ALGORITHMS, remoteKeys, SECRET_ALGORITHMS, WARN_EVERY_MS } from './keys.ts';
import { RememberedTickets } from './remembered-tickets.ts';

/** How tickets are verified. */
export type AuthConfig =
  | { readonly kind: 'none' }
  | ((
      | { readonly kind: 'secret'; readonly secret: string }
      | { readonly kind: 'key set'; readonly url: string }
    ) & { readonly issuer: string | undefined; readonly audience: string | undefined });

/** Finds out what a ticket allows. */
export interface Tickets {
  /**
   * What the ticket in an `Authorization` header (or a value of that form) allows; without a ticket, nothing but the
   * schema.
   *
   * @throws GatewayError `UNAUTHENTICATED` if the ticket is not valid, without saying more than helps its rightful
   *   owner; `INTERNAL_SERVER_ERROR` if there is no key to verify it with.
   */
  accessOf(authorization: string | null | undefined): Promise<Access>;

  /** The same, synchronously, for a ticket that was verified before; `undefined` if it has to be verified. */
  recall(authorization: string | undefined): Access | undefined;
}

/** In characters. A longer JWT names far more orders than anybody watches. */
const LONGEST_TICKET = 16_384;

/**
 * How long a ticket that was signed with a key of a key set counts as verified: the key may be withdrawn. This time
 * adds to the time for which the key set itself is cached. With a secret there is no such limit.
 */
const VERIFIED_MS = 60_000;

export function createTickets(
  config: AuthConfig,
  outside: { readonly clock: Clock; readonly fetch: Fetch; readonly logger: Logger },
): Tickets {
  if (config.kind === 'none') {
    return { accessOf: async () => FULL_ACCESS, recall: () => FULL_ACCESS };
  }
  const { key, algorithms } = keyOf(config, outside);
  const options: JWTVerifyOptions = {
    algorithms: [...algorithms],
    requiredClaims: ['exp'],
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    ...(config.issuer === undefined ? {} : { issuer: config.issuer }),
    ...(config.audience === undefined ? {} : { audience: config.audience }),
  };
  const longestMs = config.kind === 'secret' ? Number.POSITIVE_INFINITY : VERIFIED_MS;
  const remembered = new RememberedTickets({ clock: outside.clock, longestMs });
  const recall = (authorization: string | undefined) =>
    authorization ? remembered.recall(authorization) : NO_ACCESS;
  const warn = warnOfRefused(outside);
  return {
    recall,
    async accessOf(authorization) {
      const known = recall(authorization ?? undefined);
      if (known !== undefined || !authorization) return known ?? NO_ACCESS;
      const ticket = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization)?.[1];
      if (ticket === undefined || ticket.length > LONGEST_TICKET) throw refused(MALFORMED);
      const currentDate = new Date(outside.clock.now());
      try {
        const claims = await verify(ticket, key, { ...options, currentDate });
        const access = accessOf(claims, identityOf(ticket));
        if (access === undefined) throw refused(INCOMPLETE);
        remembered.remember(authorization, access);
        return access;
      } catch (error) {
        warn(error);
        throw error;
      }
    },
  };
}

/**
 * A backend that signs with another secret, or leaves out a claim, shows in no page: that only waits. Anybody can send
 * a forged ticket, so the log is told seldom. Tickets that have expired are nothing unusual.
 */
function warnOfRefused({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
  const refusals = new Seldom(clock, WARN_EVERY_MS);
  return (error: unknown) => {
    if (!(error instanceof GatewayError) || error.code !== 'UNAUTHENTICATED') return;
    if (error.message === EXPIRED) return;
    const times = refusals.times();
    if (times !== undefined) logger.warn({ reason: error.message, times }, 'tickets are refused');
  };
}

/**
 * A hash of what is signed. The signature is left out, since the same one can be spelled in several ways: base64url
 * ignores the last bits of its last character. Each spelling would have a lookup allowance of its own.
 */
function identityOf(ticket: string): string {
  const signed = ticket.slice(0, ticket.lastIndexOf('.'));
  return createHash('sha256').update(signed).digest('base64url');
}

function keyOf(
  config: Exclude<AuthConfig, { kind: 'none' }>,
  outside: { readonly clock: Clock; readonly fetch: Fetch; readonly logger: Logger },
): { readonly key: JWTVerifyGetKey; readonly algorithms: readonly string[] } {
  if (config.kind === 'key set') {
    return { key: remoteKeys({ ...outside, url: config.url }), algorithms: KEY_SET_ALGORITHMS };
  }
  const secret = createSecretKey(Buffer.from(config.secret, 'utf8'));
  return { key: () => secret, algorithms: SECRET_ALGORITHMS };
}

async function verify(
  ticket: string,
  key: JWTVerifyGetKey,
  options: JWTVerifyOptions,
): Promise<unknown> {
  try {
    const { payload } = await jwtVerify(ticket, key, options);
    return payload;
  } catch (error) {
    throw refusalFor(error);
  }
}

const MALFORMED = 'Expected a ticket as `Bearer <JWT>` in `Authorization`.';
const INCOMPLETE =
  'The ticket must have `exp` (seconds), `topups` (a list of ids, or "*") and `scope` (words out of status, card, operator).';
const EXPIRED = 'The ticket has expired.';

const UNTRUSTED = [
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JWKSNoMatchingKey,
];

function refusalFor(error: unknown): GatewayError {
  if (error instanceof errors.JWTExpired) return refused(EXPIRED);
  // Claims are checked after the signature: whoever is told of one has a ticket that was really issued.
  if (error instanceof errors.JWTClaimValidationFailed) {
    const isExpiry = error.claim === 'exp';
    const unexpected = `The ticket's \`${error.claim}\` is not what the gateway expects.`;
    return refused(isExpiry ? INCOMPLETE : unexpected);
  }
  if (isOfKeySet(error) || !(error instanceof errors.JOSEError)) {
    return new GatewayError('INTERNAL_SERVER_ERROR', 'The ticket cannot be checked just now.', {
      cause: error,
    });
  }
  const isUntrusted = UNTRUSTED.some((kind) => error instanceof kind);
  return refused(
    isUntrusted
      ? 'The ticket is not signed with the key that the gateway was given.'
      : 'The ticket is not valid.',
  );
}

/** Whether the keys could not be fetched: the server is late, answers with another status than 200, or with no keys. */
function isOfKeySet(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return true;
  return error instanceof errors.JOSEError && error.code === errors.JOSEError.code;
}

function refused(message: string): GatewayError {
  return new GatewayError('UNAUTHENTICATED', message);
}
