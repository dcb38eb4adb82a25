import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCursor, encodeCursor } from '../../src/core/cursor.ts';

describe('cursor', () => {
  it('comes back as it went', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.nat(1_000_000_000), (logId, version) => {
        const text = encodeCursor({ logId, version });
        expect(text).toMatch(/^[\w-]+$/);
        expect(decodeCursor(text)).toEqual({ logId, version });
      }),
    );
  });

  it('is the only spelling of its place', () => {
    const text = encodeCursor({ logId: 'a', version: 7 });
    for (const other of [`${text}=`, ` ${text}`, `${text}.`]) {
      expect(decodeCursor(other)).toBeUndefined();
    }
  });

  it('never takes another text for a cursor', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const cursor = decodeCursor(text);
        if (cursor !== undefined) expect(encodeCursor(cursor)).toBe(text);
      }),
    );
    expect(decodeCursor(Buffer.from('log@-1').toString('base64url'))).toBeUndefined();
    expect(decodeCursor(Buffer.from('log@1e3').toString('base64url'))).toBeUndefined();
  });
});
