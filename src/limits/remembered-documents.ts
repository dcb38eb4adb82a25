import type { DocumentNode } from 'graphql';
import { LRUCache } from 'lru-cache';

/** Of all documents together. Those of one gateway's clients have a few hundred each. */
const MOST_CHARACTERS = 30_000;
/** Of one: GraphiQL's introspection query, the largest that clients send again and again, has about 2,000. */
const LONGEST_CHARACTERS = 5_000;

/**
 * What is remembered of documents, by their texts: those used last. Counted by their texts, since a parsed
 * document takes many times as much memory.
 */
export function rememberedByText<Value extends object>(): LRUCache<string, Value> {
  return new LRUCache({
    maxSize: MOST_CHARACTERS,
    maxEntrySize: LONGEST_CHARACTERS,
    sizeCalculation: (_value, text) => Math.max(1, text.length),
  });
}

/**
 * What Yoga remembers: documents that parse. By itself it keeps a thousand, and a thousand that do not parse,
 * which is a way to fill the memory.
 */
export function rememberedDocuments() {
  return {
    documentCache: rememberedByText<DocumentNode>(),
    errorCache: { get: () => undefined, set: () => undefined },
  };
}
