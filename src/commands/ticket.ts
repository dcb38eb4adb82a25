/** `npm run ticket`: makes a ticket for trying out, signed with AUTH_JWT_SECRET. */
import { parseArgs } from 'node:util';
import { mintTicket } from '../auth/mint.ts';
import { SCOPES } from '../core/access.ts';
import { parseOrderId } from '../core/order-id.ts';
import { orUsageError, runCommand, UsageError } from './command.ts';
import { parseDuration } from './duration.ts';

const USAGE = `usage: npm run ticket -- --topup ID [--topup ID …] [--scope "status card"] [--ttl 10m]

  --topup  an order that the ticket names; "*" for all
  --scope  words out of ${SCOPES.join(', ')}; "status" without it
  --ttl    how long it holds: 90s, 10m, 2h, 1d; 10m without it

AUTH_JWT_SECRET must be that of the gateway (a .env file is read).`;

async function main(): Promise<void> {
  const {
    topup: topups = [],
    scope,
    ttl,
  } = orUsageError(() =>
    parseArgs({
      options: {
        topup: { type: 'string', multiple: true },
        scope: { type: 'string', default: 'status' },
        ttl: { type: 'string', default: '10m' },
      },
    }),
  ).values;
  const secret = process.env['AUTH_JWT_SECRET'];
  if (secret === undefined || secret === '') throw new UsageError('AUTH_JWT_SECRET is not set');
  if (topups.length === 0) throw new UsageError('--topup is missing');
  const bad = topups.find((id) => id !== '*' && parseOrderId(id) === undefined);
  if (bad !== undefined) throw new UsageError(`--topup ${JSON.stringify(bad)} is no order id`);
  const unknown = scope.split(' ').find((word) => !SCOPES.some((known) => known === word));
  if (unknown !== undefined) throw new UsageError(`--scope: ${JSON.stringify(unknown)} is none`);
  const ticket = await mintTicket({
    secret,
    topups: topups.includes('*') ? '*' : topups,
    scope,
    ttlSeconds: orUsageError(() => parseDuration(ttl), '--ttl') / 1_000,
    issuer: process.env['AUTH_ISSUER'],
    audience: process.env['AUTH_AUDIENCE'],
  });
  process.stdout.write(`${ticket}\n`);
}

await runCommand({ name: 'ticket', usage: USAGE, main });
