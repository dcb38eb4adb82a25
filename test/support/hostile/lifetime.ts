import type { Clock, Fetch } from '../../../src/core/ports.ts';
import type { Store } from '../../../src/core/store.ts';

/**
 * The lifetime of one simulated process. At its end, the clock, network and store that it was given go dead: no timer
 * fires, no call is answered and nothing is written any more, as after a `kill -9`. Whatever the process still awaits
 * never settles, so that none of its code runs beside the next process.
 */
export class Lifetime {
  #isOver = false;
  readonly #onEnd = new Set<() => void>();

  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    this.#isOver = true;
    for (const callback of this.#onEnd) callback();
    this.#onEnd.clear();
  }

  /** Calls `callback` at the end; returns a function that removes the callback. */
  onEnd(callback: () => void): () => void {
    this.#onEnd.add(callback);
    return () => void this.#onEnd.delete(callback);
  }

  clock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      steady: () => clock.steady(),
      after: (delayMs, callback) => clock.after(delayMs, () => this.#isOver || callback()),
    };
  }

  fetch(fetch: Fetch): Fetch {
    return (input, init) => this.#mortal(() => fetch(input, init));
  }

  /** Wraps all methods of a store. `onCall` receives each asynchronous call that has succeeded, with its result. */
  store(store: Store, onCall: (call: StoreCall) => void): Store {
    return new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...input: unknown[]) => {
          if (this.#isOver) return never();
          const output: unknown = Reflect.apply(value, target, input);
          if (!(output instanceof Promise)) return output;
          return this.#mortal(async () => {
            const result: unknown = await output;
            onCall({ name: String(name), input, result });
            return result;
          });
        };
      },
    });
  }

  async #mortal<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#isOver) return never();
    try {
      const result = await work();
      return this.#isOver ? await never() : result;
    } catch (error) {
      if (this.#isOver) return never();
      throw error;
    }
  }
}

export interface StoreCall {
  readonly name: string;
  readonly input: readonly unknown[];
  readonly result: unknown;
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
