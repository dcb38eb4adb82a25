/**
 * What an answer rests on, told by the resolvers as they make it: as long as all of it holds, the same answer
 * may be given again.
 */
export interface Basis {
  /** Something of this order goes into the answer. To be told before the order is read. */
  order(orderId: string): void;
  /** Something in the answer changes with a check of an order in it, also with one that finds nothing new. */
  check(): void;
  /** Something in the answer changes by itself after this moment, Unix milliseconds. */
  until(at: number): void;
  /** Something in the answer rests on what nobody tells changes of. */
  never(): void;
}

/** For answers that nobody keeps. */
export const NO_BASIS: Basis = {
  order() {},
  check() {},
  until() {},
  never() {},
};
