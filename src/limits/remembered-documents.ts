import type { DocumentNode } from 'graphql';
import { LRUCache } from 'lru-cache';

/** The limit on all documents together. The documents of a gateway's clients have a few hundred characters each. */
const MOST_CHARACTERS = 30_000;
/** The limit on one document: GraphiQL's introspection query, the longest that clients repeat, has about 2,000. */
const LONGEST_CHARACTERS = 5_000;

/**
 * A cache with the text of documents as the key, which keeps the most recently used. It limits the length of the texts
 * rather than their number, since a parsed document takes many times the memory of its text.
 */
export function rememberedByText<Value extends object>(): LRUCache<string, Value> {
  return new LRUCache({
    maxSize: MOST_CHARACTERS,
    maxEntrySize: LONGEST_CHARACTERS,
    sizeCalculation: (_value, text) => Math.max(1, text.length),
  });
}

/**
 * The caches for Yoga: they keep only documents that parse. By itself Yoga keeps a thousand documents that parse and a
 * thousand that do not, which is a way to fill the memory.
 */
export function rememberedDocuments() {
  return {
    documentCache: rememberedByText<DocumentNode>(),
    errorCache: { get: () => undefined, set: () => undefined },
  };
}
