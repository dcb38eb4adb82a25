import fc from 'fast-check';

/** UTF-16 sets so many code points aside, from this one on: none of them is a character. */
const [FIRST_SURROGATE, SURROGATES] = [0xd800, 0x800];

/**
 * Any character, as `fc.string({ unit: 'binary' })` has it, case by case the same. But that one makes a table of a
 * million characters first, to find back from each to its number: that takes seconds.
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

/** A path as `fc.webPath()` has it, which would make the table too. */
export const anyPath = fc
  .array(segment)
  .map((segments) => segments.map((each) => `/${each}`).join(''));

function decoded(text: unknown): string {
  if (typeof text !== 'string') throw new Error('not a text');
  return decodeURIComponent(text);
}
