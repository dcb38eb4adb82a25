import { describe, expect, it } from 'vitest';
import { type Few, FewByKey, isAmong, listOf, withOne, withoutOne } from '../../src/core/few.ts';

interface Named {
  readonly name: string;
}

const A: Named = { name: 'a' };
const B: Named = { name: 'b' };
const C: Named = { name: 'c' };

const setOf = (...all: readonly Named[]) =>
  all.reduce<Few<Named>>((few, one) => withOne(few, one), undefined);

describe('few values', () => {
  it('are a set: each is there once, in the order in which they came', () => {
    expect(listOf(setOf())).toEqual([]);
    expect(listOf(setOf(A))).toEqual([A]);
    expect(listOf(setOf(A, A))).toEqual([A]);
    expect(listOf(setOf(C, A, B, A))).toEqual([C, A, B]);
  });

  it('are the value itself where there is one, and nothing where there is none', () => {
    expect(setOf(A)).toBe(A);
    expect(withoutOne(A, A)).toBeUndefined();
    expect(withoutOne(withoutOne(setOf(A, B), A), B)).toBeUndefined();
  });

  it('lose the one that is taken out, and no other', () => {
    expect(withoutOne(undefined, A)).toBeUndefined();
    expect(listOf(withoutOne(setOf(A), B))).toEqual([A]);
    expect(listOf(withoutOne(setOf(A, B, C), B))).toEqual([A, C]);
    expect(listOf(withoutOne(setOf(A, B), C))).toEqual([A, B]);
  });

  it('know what is among them', () => {
    expect([undefined, A, setOf(A, B)].map((few) => isAmong(few, A))).toEqual([false, true, true]);
    expect([undefined, A, setOf(A, B)].map((few) => isAmong(few, C))).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('are listed as they were, whatever becomes of them meanwhile', () => {
    const few = setOf(A, B);
    const list = listOf(few);
    withoutOne(few, B);
    withOne(few, C);
    expect(list).toEqual([A, B]);
  });
});

it('few values for each key leave nothing behind of a key that has none', () => {
  const few = new FewByKey<Named>();
  few.add('x', A);
  few.add('x', B);
  few.add('y', C);
  expect([few.listOf('x'), few.listOf('y'), few.listOf('z')]).toEqual([[A, B], [C], []]);
  few.delete('x', A);
  few.delete('y', A);
  few.delete('z', A);
  expect([few.listOf('x'), few.listOf('y'), few.isAmong('x', A)]).toEqual([[B], [C], false]);
  few.delete('x', B);
  expect([few.has('x'), few.has('y')]).toEqual([false, true]);
});
