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
 *
 * @param ticket tells it from another.
 */
export function accessOf(claims: unknown, ticket: string): Access | undefined {
  const { data } = claimsSchema.safeParse(claims);
  if (data === undefined) return undefined;
  const { exp, topups } = data;
  const words = new Set(data.scope.split(' '));
  const scopes = SCOPES.filter((scope) => words.has(scope));
  return new TicketAccess({ ticket, exp, scopes, topups: topups === '*' ? undefined : topups });
}

/** A class that holds little, since it is kept for as long as each subscriber with a ticket is. */
class TicketAccess implements Access {
  readonly ticket: string;
  readonly rights: string;
  readonly expiresAt: number;
  /** Most tickets name one order, which then takes no set. */
  readonly #orders: string | ReadonlySet<string> | undefined;
  /** The same for all that have the same. */
  readonly #scopes: readonly Scope[];

  constructor(claims: {
    readonly ticket: string;
    readonly exp: number;
    readonly scopes: readonly Scope[];
    readonly topups: readonly string[] | undefined;
  }) {
    const { ticket, exp, scopes, topups } = claims;
    const orders = topups && new Set(topups);
    this.ticket = ticket;
    this.expiresAt = (exp + CLOCK_TOLERANCE_SECONDS) * 1_000;
    this.rights = rightsOf(scopes, orders);
    this.#orders = orders?.size === 1 ? [...orders][0] : orders;
    this.#scopes = sharedScopes(scopes);
  }

  get isAnonymous(): boolean {
    return false;
  }

  has(scope: Scope): boolean {
    return this.#scopes.includes(scope);
  }

  names(orderId: string): boolean {
    const orders = this.#orders;
    if (orders === undefined || orders === orderId) return true;
    return typeof orders === 'object' && orders.has(orderId);
  }
}

const knownScopes = new Map<string, readonly Scope[]>();

/** There are few combinations. */
function sharedScopes(scopes: readonly Scope[]): readonly Scope[] {
  const key = scopes.join(' ');
  const known = knownScopes.get(key) ?? scopes;
  knownScopes.set(key, known);
  return known;
}

/** As short for a ticket of a thousand orders as for one of a single. */
function rightsOf(scopes: readonly Scope[], orders: ReadonlySet<string> | undefined): string {
  const named = orders === undefined ? ['*'] : [...orders].sort();
  return createHash('sha256')
    .update(JSON.stringify([scopes, named]))
    .digest('base64url');
}
