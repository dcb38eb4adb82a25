import { createHash } from 'node:crypto';
import * as z from 'zod';
import { type Access, SCOPES, type Scope } from '../core/access.ts';
import { parseOrderId } from '../core/order-id.ts';

/** How far the clock of whoever made a ticket may be off, in seconds. */
export const CLOCK_TOLERANCE_SECONDS = 30;

const orderId = z.string().transform((text, context) => {
  const parsed = parseOrderId(text);
  if (parsed !== undefined) return parsed;
  context.addIssue('no order id');
  return z.NEVER;
});

/** What a ticket must say besides what JWT itself asks for. */
const claimsSchema = z.object({
  exp: z.number(),
  topups: z.union([z.literal('*'), z.array(orderId)]),
  scope: z.string(),
});

/**
 * What the claims of a ticket allow; `undefined` for claims that are not as they must be. Words in `scope` that
 * are not known allow nothing.
 */
export function accessOf(claims: unknown): Omit<Access, 'ticket'> | undefined {
  const { data } = claimsSchema.safeParse(claims);
  if (data === undefined) return undefined;
  const words = new Set(data.scope.split(' '));
  const scopes: ReadonlySet<Scope> = new Set(SCOPES.filter((scope) => words.has(scope)));
  const orders = data.topups === '*' ? undefined : new Set(data.topups);
  return {
    isAnonymous: false,
    rights: rightsOf(scopes, orders),
    expiresAt: (data.exp + CLOCK_TOLERANCE_SECONDS) * 1_000,
    has: (scope) => scopes.has(scope),
    names: (id) => orders === undefined || orders.has(id),
  };
}

/** As short for a ticket of a thousand orders as for one of a single. */
function rightsOf(scopes: ReadonlySet<Scope>, orders: ReadonlySet<string> | undefined): string {
  const named = orders === undefined ? ['*'] : [...orders].sort();
  return createHash('sha256')
    .update(JSON.stringify([[...scopes], named]))
    .digest('base64url');
}
