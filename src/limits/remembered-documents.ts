import type { DocumentNode } from 'graphql';
import { LRUCache } from 'lru-cache';

/** Of all documents together. Those of one gateway's clients have a few hundred each. */
const MOST_CHARACTERS = 30_000;
/** Of one: GraphiQL's introspection query, the largest that clients send again and again, has about 2,000. */
const LONGEST_CHARACTERS = 5_000;

/**
 * What Yoga remembers of documents: those that parse, the ones used last. By itself it keeps a thousand, and
 * a thousand that do not parse, which is a way to fill the memory. Counted by their text, since a parsed
 * document takes many times as much memory.
 */
export function rememberedDocuments() {
  return {
    documentCache: new LRUCache<string, DocumentNode>({
      maxSize: MOST_CHARACTERS,
      maxEntrySize: LONGEST_CHARACTERS,
      sizeCalculation: (_document, text) => Math.max(1, text.length),
    }),
    errorCache: { get: () => undefined, set: () => undefined },
  };
}
