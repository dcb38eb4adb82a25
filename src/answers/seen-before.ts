/** A power of two. Four bytes each. */
const SLOTS = 65_536;

/**
 * Whether a text was shown before, as well as a quarter of a megabyte can tell: of two texts that fall to one
 * place the earlier is forgotten, and one in four billion is taken for another.
 */
export class SeenBefore {
  readonly #marks = new Uint32Array(SLOTS);

  /** It is, from now on. */
  has(text: string): boolean {
    const hash = hashOf(text);
    const place = hash % SLOTS;
    const isSeen = this.#marks[place] === hash;
    this.#marks[place] = hash;
    return isSeen;
  }
}

/** FNV-1a, of the lower bytes. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash >>> 0;
}
