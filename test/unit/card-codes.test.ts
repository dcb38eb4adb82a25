import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CardCodes } from '../../src/cards/card-codes.ts';
import {
  keepCardKeys,
  newCardKey,
  parseCardKeys,
  readCardKeys,
} from '../../src/cards/card-keys.ts';

const CODE = '123456789012';
const PLACE = { orderId: '6901616fe9e88196b4eb64b2', version: 2 };
const [ONE, TWO] = [newCardKey(), newCardKey()];

describe('a sealed card code', () => {
  it('opens to what it was, whatever it was', () => {
    const cards = new CardCodes([ONE]);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (code) => {
        expect(cards.open(cards.seal(code, PLACE), PLACE)).toBe(code);
      }),
    );
  });

  it('shows nothing of the code, and is another each time', () => {
    const cards = new CardCodes([ONE]);
    const [first, second] = [cards.seal(CODE, PLACE), cards.seal(CODE, PLACE)];
    expect(first).not.toBe(second);
    expect(first).not.toContain(CODE);
  });

  it.each([
    { orderId: PLACE.orderId, version: 3 },
    { orderId: '6901616fe9e88196b4eb64b3', version: 2 },
    { orderId: `${PLACE.orderId}",2`, version: 2 },
  ])('does not open in another place: %j', (other) => {
    const cards = new CardCodes([ONE]);
    expect(cards.open(cards.seal(CODE, PLACE), other)).toBeUndefined();
  });

  it('does not open where a bit of it was changed', () => {
    const cards = new CardCodes([ONE]);
    const sealed = cards.seal(CODE, PLACE);
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), (index) => {
        const other = sealed[index] === 'A' ? 'B' : 'A';
        const changed = sealed.slice(0, index) + other + sealed.slice(index + 1);
        // The last letter of base64 may have bits that count for nothing.
        const opened = cards.open(changed, PLACE);
        expect(opened === undefined || (index === sealed.length - 1 && opened === CODE)).toBe(true);
      }),
    );
  });

  it('opens with every key that is there, and no other', () => {
    const sealed = new CardCodes([ONE]).seal(CODE, PLACE);
    const both = new CardCodes([TWO, ONE]);
    expect(both.open(sealed, PLACE)).toBe(CODE);
    expect([both.isCurrent(sealed), both.isCurrent(both.seal(CODE, PLACE))]).toEqual([false, true]);
    expect(new CardCodes([TWO]).open(sealed, PLACE)).toBeUndefined();
    // The name of a key is not the key.
    expect(new CardCodes([{ ...TWO, id: ONE.id }]).open(sealed, PLACE)).toBeUndefined();
    for (const text of ['', CODE, 'v1.x', `v1.${ONE.id}.AAAA.AAAA`]) {
      expect(both.open(text, PLACE)).toBeUndefined();
    }
  });
});

describe('card keys', () => {
  const base64 = Buffer.alloc(32, 7).toString('base64');

  it('are read as they are written', () => {
    const keys = parseCardKeys(`new:${base64}, old-1:${base64}`);
    expect(keys?.map(({ id }) => id)).toEqual(['new', 'old-1']);
    expect(keys?.[0].key).toEqual(Buffer.alloc(32, 7));
  });

  it.each([
    '',
    base64,
    `new:${base64},`.repeat(2),
    `new:${base64},else`,
    'new:c2hvcnQ=',
    `new:${base64}A`,
    `a b:${base64}`,
    `:${base64}`,
    `${'x'.repeat(33)}:${base64}`,
  ])('%j is none', (text) => {
    expect(parseCardKeys(text)).toBeUndefined();
  });

  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'card-keys-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('in a file are made once, for its owner alone, and kept', async () => {
    const path = join(folder, 'keys');
    expect(readCardKeys(path)).toBeUndefined();
    const made = keepCardKeys(path);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(keepCardKeys(path)).toEqual(made);
    // No other copy of the key is left.
    expect(await readdir(folder)).toEqual(['keys']);
  });

  it('in a file that holds something else are not made up', async () => {
    const path = join(folder, 'keys');
    await writeFile(path, 'something else');
    expect(() => keepCardKeys(path)).toThrow(/must hold keys as `id:base64/);
  });
});
