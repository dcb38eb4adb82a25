import { SignJWT } from 'jose';

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** Parses a duration such as `90s`, `10m`, `2h` or `1d` to seconds. Throws for anything else. */
export function parseTtl(text: string): number {
  const match = /^([1-9]\d{0,5})([smhd])$/.exec(text);
  const seconds = Number(match?.[1]) * (UNIT_SECONDS[match?.[2] ?? ''] ?? Number.NaN);
  if (Number.isNaN(seconds)) {
    throw new Error(`expected a time such as 90s, 10m, 2h or 1d; got ${JSON.stringify(text)}`);
  }
  return seconds;
}

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
