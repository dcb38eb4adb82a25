import type { DocumentNode } from 'graphql';

/** Enough for all that the clients of one gateway send; at its largest a document takes about half a megabyte. */
export const MOST_DOCUMENTS = 100;

/**
 * What Yoga remembers of documents: those that parse, the ones used last. By itself it keeps a thousand, and
 * a thousand that do not parse, which is a way to fill the memory.
 */
export function rememberedDocuments() {
  return {
    documentCache: new Recent<DocumentNode>(MOST_DOCUMENTS),
    errorCache: new Recent<Error>(0),
  };
}

class Recent<Value> {
  readonly #most: number;
  readonly #values = new Map<string, Value>();

  constructor(most: number) {
    this.#most = most;
  }

  get(key: string): Value | undefined {
    const value = this.#values.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  /** Puts it last, so that the first is the one used longest ago. */
  set(key: string, value: Value): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size <= this.#most) return;
    const [oldest] = this.#values.keys();
    if (oldest !== undefined) this.#values.delete(oldest);
  }
}
