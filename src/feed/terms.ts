import type { GatewayError } from '../errors.ts';

/** The terms on which a subscriber follows an order. */
export interface Terms {
  /** Why the order may not be followed. It is then the only event. */
  readonly refusal?: GatewayError | undefined;
  /** Pays for the upstream lookups of an order that the log does not know. */
  readonly account?: Account | undefined;
  /** When the right to the order ends, in Unix milliseconds, and the error that is then the last event. */
  readonly expiry?: { readonly at: number; readonly error: () => GatewayError } | undefined;
}

export interface Account {
  /** Takes one lookup off the account. Returns why the lookup may not be made, or `undefined` if it may. */
  spend(): GatewayError | undefined;
  /** Charges for lookups that were made without a call of `spend`. */
  charge(lookups: number): void;
}
