import { createHash } from 'node:crypto';
import * as z from 'zod';
import { type Access, SCOPES, type Scope } from '../core/access.ts';
import { parseOrderId } from '../core/order-id.ts';

/** How far the clock of a ticket's issuer may be off, in seconds. */
export const CLOCK_TOLERANCE_SECONDS = 30;

const orderId = z.string().transform((text, context) => {
  const parsed = parseOrderId(text);
  if (parsed !== undefined) return parsed;
  context.addIssue('no order id');
  return z.NEVER;
});

/** The end of the year 9999. Beyond it lies each time of ours in milliseconds, with which a ticket would never end. */
const LATEST_EXP = 253_402_300_799;

/** The claims that the gateway requires in every ticket. */
const claimsSchema = z.object({
  exp: z.number().max(LATEST_EXP),
  topups: z.union([z.literal('*'), z.array(orderId)]),
  scope: z.string(),
});

/**
 * The access that the claims of a ticket allow; `undefined` for malformed claims. Unknown words in `scope` allow
 * nothing.
 *
 * @param ticket identifies the ticket, without being usable as one.
 */
export function accessOf(claims: unknown, ticket: string): Access | undefined {
  const { data } = claimsSchema.safeParse(claims);
  if (data === undefined) return undefined;
  const { exp, topups } = data;
  const words = new Set(data.scope.split(' '));
  const scopes = SCOPES.filter((scope) => words.has(scope));
  return new TicketAccess({ ticket, exp, scopes, topups: topups === '*' ? undefined : topups });
}

/** A class that holds little, since there is one for each subscriber with a ticket, for as long as it subscribes. */
class TicketAccess implements Access {
  readonly ticket: string;
  readonly rights: string;
  readonly expiresAt: number;
  /** `undefined` for all orders. Most tickets name a single order, which takes no set. */
  readonly #orders: string | ReadonlySet<string> | undefined;
  /** One array for all tickets with the same scopes. */
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

/** There are few combinations of scopes, so the map stays small. */
function sharedScopes(scopes: readonly Scope[]): readonly Scope[] {
  const key = scopes.join(' ');
  const known = knownScopes.get(key) ?? scopes;
  knownScopes.set(key, known);
  return known;
}

/** A hash, which is as short for a ticket with a thousand orders as for a ticket with one. */
function rightsOf(scopes: readonly Scope[], orders: ReadonlySet<string> | undefined): string {
  const named = orders === undefined ? ['*'] : [...orders].sort();
  return createHash('sha256')
    .update(JSON.stringify([scopes, named]))
    .digest('base64url');
}
