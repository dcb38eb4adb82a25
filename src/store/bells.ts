import { FewByKey } from '../core/few.ts';
import type { Recorded } from '../core/store.ts';

type Listener = (orderId: string, recorded: Recorded | undefined) => void;
type Ring = (orderId: string) => void;

/** Notifies of writes to a store: bells for appends to one order, listeners for writes to any order. */
export class Bells {
  readonly #byOrder = new FewByKey<Ring>();
  readonly #listeners = new Set<Listener>();

  hang(orderId: string, ring: Ring): () => void {
    // A function that already is a bell of this order is wrapped, so that hanging it twice makes two bells.
    const bell = this.#byOrder.isAmong(orderId, ring) ? () => ring(orderId) : ring;
    this.#byOrder.add(orderId, bell);
    return () => this.#byOrder.delete(orderId, bell);
  }

  /** Returns a function that removes the listener. */
  listen(written: Listener): () => void {
    // Wrapped, so that the same function added twice makes two listeners.
    const listener: Listener = (orderId, recorded) => written(orderId, recorded);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls all listeners. Like `ring`, never throws. */
  written(orderId: string, recorded?: Recorded): void {
    for (const listener of this.#listeners) call(() => listener(orderId, recorded));
  }

  /**
   * Calls the order's bells. Never throws: the append is already committed, and an error in one bell must reach
   * neither the writer nor other bells. Such an error becomes a process warning.
   */
  ring(orderId: string): void {
    for (const bell of this.#byOrder.listOf(orderId)) call(() => bell(orderId));
  }
}

function call(told: () => void): void {
  try {
    told();
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error));
  }
}
