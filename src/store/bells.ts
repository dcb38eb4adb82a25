import { FewByKey } from '../core/few.ts';
import type { Recorded } from '../core/store.ts';

type Listener = (orderId: string, recorded: Recorded | undefined) => void;
type Ring = (orderId: string) => void;

/** Who is to be told of what the stores write: bells for each order, and listeners to all of them. */
export class Bells {
  readonly #byOrder = new FewByKey<Ring>();
  readonly #listeners = new Set<Listener>();

  hang(orderId: string, ring: Ring): () => void {
    // A wrapper where it is needed, so that the same function hung twice is two bells.
    const bell = this.#byOrder.isAmong(orderId, ring) ? () => ring(orderId) : ring;
    this.#byOrder.add(orderId, bell);
    return () => this.#byOrder.delete(orderId, bell);
  }

  /** Returns a function that ends it. */
  listen(written: Listener): () => void {
    // A wrapper for the same reason.
    const listener: Listener = (orderId, recorded) => written(orderId, recorded);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Never throws, as `ring`. */
  written(orderId: string, recorded?: Recorded): void {
    for (const listener of this.#listeners) call(() => listener(orderId, recorded));
  }

  /**
   * Never throws: the append is committed already, and one reader's fault is neither the writer's nor
   * another reader's. A fault is shown as a process warning.
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
