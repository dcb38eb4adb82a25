/** Bells by order, for the stores: who waits for an append to which order. */
export class Bells {
  readonly #byOrder = new Map<string, Set<() => void>>();

  hang(orderId: string, ring: () => void): () => void {
    const bells = this.#byOrder.get(orderId) ?? new Set();
    this.#byOrder.set(orderId, bells);
    // A wrapper, so that the same function hung twice is two bells.
    const bell = () => ring();
    bells.add(bell);
    return () => {
      bells.delete(bell);
      if (bells.size === 0 && this.#byOrder.get(orderId) === bells) this.#byOrder.delete(orderId);
    };
  }

  ring(orderId: string): void {
    for (const bell of [...(this.#byOrder.get(orderId) ?? [])]) bell();
  }
}
