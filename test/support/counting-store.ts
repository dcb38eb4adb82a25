import type { Store } from '../../src/core/store.ts';

/** Wraps a store and counts the calls of its `read`, which reads the history of an order. */
export function countingReads(store: Store): {
  readonly store: Store;
  readonly reads: () => number;
} {
  let reads = 0;
  const read: Store['read'] = (...args) => {
    reads += 1;
    return store.read(...args);
  };
  const counting = new Proxy(store, {
    get: (target, name) => {
      if (name === 'read') return read;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { store: counting, reads: () => reads };
}
