/** `npm run ticket`: a ticket for trying out, signed with AUTH_JWT_SECRET. */
import { parseArgs } from 'node:util';
import { mintTicket, parseTtl } from './auth/mint.ts';
import { SCOPES } from './core/access.ts';
import { parseOrderId } from './core/order-id.ts';

const USAGE = `usage: npm run ticket -- --topup ID [--topup ID …] [--scope "status card"] [--ttl 10m]

  --topup  an order that the ticket names; "*" for all
  --scope  words out of ${SCOPES.join(', ')}; "status" without it
  --ttl    how long it holds: 90s, 10m, 2h, 1d; 10m without it

AUTH_JWT_SECRET must be that of the gateway (a .env file is read).`;

/** EX_USAGE of sysexits.h. */
const EXIT_USAGE = 64;

async function main(): Promise<string> {
  const { values } = parseArgs({
    options: {
      topup: { type: 'string', multiple: true },
      scope: { type: 'string', default: 'status' },
      ttl: { type: 'string', default: '10m' },
    },
  });
  const secret = process.env['AUTH_JWT_SECRET'];
  if (secret === undefined || secret === '') throw new Error('AUTH_JWT_SECRET is not set');
  const topups = values.topup ?? [];
  if (topups.length === 0) throw new Error('--topup is missing');
  const bad = topups.find((id) => id !== '*' && parseOrderId(id) === undefined);
  if (bad !== undefined) throw new Error(`--topup ${JSON.stringify(bad)} is no order id`);
  const unknown = values.scope.split(' ').find((word) => !SCOPES.some((scope) => scope === word));
  if (unknown !== undefined) throw new Error(`--scope: ${JSON.stringify(unknown)} is none`);
  return mintTicket({
    secret,
    topups: topups.includes('*') ? '*' : topups,
    scope: values.scope,
    ttlSeconds: parseTtl(values.ttl),
    issuer: process.env['AUTH_ISSUER'],
    audience: process.env['AUTH_AUDIENCE'],
  });
}

try {
  process.loadEnvFile();
} catch {
  // There need not be one.
}
try {
  process.stdout.write(`${await main()}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}\n`);
  process.exitCode = EXIT_USAGE;
}
