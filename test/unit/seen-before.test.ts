import { describe, expect, it } from 'vitest';
import { SeenBefore } from '../../src/answers/seen-before.ts';

describe('what was seen before', () => {
  it('is known the second time, and what was not is not', () => {
    const seen = new SeenBefore();
    const texts = Array.from({ length: 1_000 }, (_, n) => `the question about order ${n}`);
    expect(texts.filter((text) => seen.has(text))).toEqual([]);
    // Two in a hundred share a place with another.
    expect(texts.filter((text) => seen.has(text)).length).toBeGreaterThan(950);
  });

  it('is forgotten as others come, so that it takes no more memory', () => {
    const seen = new SeenBefore();
    seen.has('long ago');
    for (let n = 0; n < 1_000_000; n += 1) seen.has(`another ${n}`);
    expect(seen.has('long ago')).toBe(false);
  });
});
