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

  /**
   * Never throws: the append is committed already, and one reader's fault is neither the writer's nor
   * another reader's. A fault is shown as a process warning.
   */
  ring(orderId: string): void {
    for (const bell of [...(this.#byOrder.get(orderId) ?? [])]) {
      try {
        bell();
      } catch (error) {
        process.emitWarning(error instanceof Error ? error : String(error));
      }
    }
  }
}
