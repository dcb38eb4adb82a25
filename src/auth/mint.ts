import { SignJWT } from 'jose';

/** Makes a ticket as a merchant's backend would. */
export function mintTicket(ticket: {
  readonly secret: string;
  readonly topups: readonly string[] | '*';
  readonly scope: string;
  readonly ttlSeconds: number;
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
}): Promise<string> {
  const { secret, topups, scope, ttlSeconds, issuer, audience } = ticket;
  const jwt = new SignJWT({ topups, scope })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt()
    .setExpirationTime(`${ttlSeconds}s`);
  if (issuer !== undefined && issuer !== '') jwt.setIssuer(issuer);
  if (audience !== undefined && audience !== '') jwt.setAudience(audience);
  return jwt.sign(new TextEncoder().encode(secret));
}
