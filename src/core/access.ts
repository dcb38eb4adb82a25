/** The scopes that a ticket can grant. */
export type Scope = 'status' | 'card' | 'operator';

export const SCOPES: readonly Scope[] = ['status', 'card', 'operator'];

/** What one caller may see. Derived once from the ticket; the schema's authorisation rules consult it. */
export interface Access {
  /** Whether the gateway requires tickets and the caller presented none. */
  readonly isAnonymous: boolean;
  /** Identifies the ticket without revealing it; `null` without a ticket. */
  readonly ticket: string | null;
  /** Callers with equal `rights` may see the same. */
  readonly rights: string;
  /** When this access ends, Unix milliseconds; `null` for never. */
  readonly expiresAt: number | null;
  has(scope: Scope): boolean;
  /** Whether the ticket names this order. A caller learns nothing at all about an order that it does not name. */
  names(orderId: string): boolean;
}

/** Full access, for a gateway that requires no tickets. */
export const FULL_ACCESS: Access = {
  isAnonymous: false,
  ticket: null,
  rights: 'everything',
  expiresAt: null,
  has: () => true,
  names: () => true,
};

/** Access to the schema itself and to no data. */
export const NO_ACCESS: Access = {
  isAnonymous: true,
  ticket: null,
  rights: 'nothing',
  expiresAt: null,
  has: () => false,
  names: () => false,
};
