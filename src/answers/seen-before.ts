/** A power of two. Each slot takes four bytes. */
const SLOTS = 65_536;

/**
 * Whether a text was seen before, as well as a quarter of a megabyte can tell: of two texts in the same slot, the
 * earlier is forgotten, and one text in four billion is taken for another.
 */
export class SeenBefore {
  readonly #marks = new Uint32Array(SLOTS);

  /** Whether the text was seen before; from now on it counts as seen. */
  has(text: string): boolean {
    const hash = hashOf(text);
    const place = hash % SLOTS;
    const isSeen = this.#marks[place] === hash;
    this.#marks[place] = hash;
    return isSeen;
  }
}

/** FNV-1a, over UTF-16 code units instead of bytes. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash >>> 0;
}
