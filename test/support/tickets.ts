import { type JWTPayload, SignJWT } from 'jose';
import type { AuthConfig } from '../../src/auth/tickets.ts';

export const SECRET = 'a secret of at least thirty-two bytes';

export const SECRET_AUTH: Extract<AuthConfig, { kind: 'secret' }> = {
  kind: 'secret',
  secret: SECRET,
  issuer: undefined,
  audience: undefined,
};

export interface Claims {
  readonly topups?: unknown;
  readonly scope?: unknown;
  /** Unix seconds. */
  readonly exp?: unknown;
  readonly [claim: string]: unknown;
}

/** The value of an `Authorization` header with a signed ticket of these claims, valid or not. */
export async function bearer(claims: Claims, secret = SECRET, alg = 'HS256'): Promise<string> {
  const jwt = new SignJWT(asPayload(claims)).setProtectedHeader({ alg });
  return `Bearer ${await jwt.sign(new TextEncoder().encode(secret))}`;
}

/** Forged claims need not have the types that a payload requires. */
export function asPayload(claims: Claims): JWTPayload {
  return claims as JWTPayload;
}
