/** What somebody who asks may do; each word is a scope of a ticket. */
export type Scope = 'status' | 'card' | 'operator';

export const SCOPES: readonly Scope[] = ['status', 'card', 'operator'];

/** What one caller may see, decided once, from the ticket; the rules of the schema ask it. */
export interface Access {
  /** Whether there was a ticket at all. */
  readonly isAnonymous: boolean;
  /** Tells one ticket from another, without being one; `null` where there is none. */
  readonly ticket: string | null;
  /** Whoever has the same may see the same. */
  readonly rights: string;
  /** From when on nothing of it holds, Unix milliseconds; `null` for never. */
  readonly expiresAt: number | null;
  has(scope: Scope): boolean;
  /** Whether this order is named by the ticket. Nothing else may be told of an order that is not. */
  names(orderId: string): boolean;
}

/** Everything, for a gateway that asks for no tickets. */
export const FULL_ACCESS: Access = {
  isAnonymous: false,
  ticket: null,
  rights: 'everything',
  expiresAt: null,
  has: () => true,
  names: () => true,
};

/** Nothing but the schema itself. */
export const NO_ACCESS: Access = {
  isAnonymous: true,
  ticket: null,
  rights: 'nothing',
  expiresAt: null,
  has: () => false,
  names: () => false,
};
