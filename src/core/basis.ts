/**
 * Collects what a response depends on. Resolvers report each dependency as they run; while none of the
 * dependencies has changed, the response may be served again from the cache.
 */
export interface Basis {
  /** The response contains data of this order. Must be called before the order is read. */
  order(orderId: string): void;
  /** The response changes with every check of an order in it, even with a check that finds nothing new. */
  check(): void;
  /** The response changes by itself after this moment, Unix milliseconds. */
  until(at: number): void;
  /** The response depends on something whose changes are not reported: it must not be cached. */
  never(): void;
}

/** For responses that are not cached. */
export const NO_BASIS: Basis = {
  order() {},
  check() {},
  until() {},
  never() {},
};
