import fc from 'fast-check';

/** The surrogates of UTF-16: the first of these code points, and how many there are. None of them is a character. */
const [FIRST_SURROGATE, SURROGATES] = [0xd800, 0x800];

/**
 * Any character: the same ones, for the same seed, as in `fc.string({ unit: 'binary' })`. The latter first makes a
 * table that maps a million characters back to their numbers, which takes seconds.
 */
export const anyCharacter = fc
  .nat({ max: 0x10ffff - SURROGATES })
  .map((nth) => String.fromCodePoint(nth < FIRST_SURROGATE ? nth : nth + SURROGATES), numberOf);

function numberOf(text: unknown): number {
  const codePoint = typeof text === 'string' ? text.codePointAt(0) : undefined;
  if (codePoint === undefined || String.fromCodePoint(codePoint) !== text) {
    throw new Error('not one character');
  }
  if (codePoint < FIRST_SURROGATE) return codePoint;
  if (codePoint < FIRST_SURROGATE + SURROGATES) throw new Error('half a character');
  return codePoint - SURROGATES;
}

const IN_PATHS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@";

const segment = fc.string({
  unit: fc.oneof(
    { weight: 10, arbitrary: fc.constantFrom(...IN_PATHS) },
    { weight: 1, arbitrary: anyCharacter.map(encodeURIComponent, decoded) },
  ),
});

/** A path as from `fc.webPath()`, which would make the same table. */
export const anyPath = fc
  .array(segment)
  .map((segments) => segments.map((each) => `/${each}`).join(''));

function decoded(text: unknown): string {
  if (typeof text !== 'string') throw new Error('not a text');
  return decodeURIComponent(text);
}
