import { getNamedType, getNullableType, isListType, isObjectType, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { schema } from '../../src/graphql/schema.ts';
import { refusalOf } from '../../src/limits/document.ts';
import { DEFAULT_LIMITS } from '../../src/limits/limits.ts';

const limitOf = (text: string, limits = {}) =>
  refusalOf(parse(text), { ...DEFAULT_LIMITS, ...limits })?.limit;

const times = (count: number, make: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => make(n)).join(' ');

const FRAGMENT = 'fragment F on Query { c }';

describe('a document', () => {
  it.each<[limit: string, limits: object, documents: readonly [just: string, tooMuch: string]]>([
    ['depth', { queryDepth: 3 }, ['{ a { b { c } } }', '{ a { b { c { d } } } }']],
    ['aliases', { queryAliases: 2 }, ['{ x: a y: b c }', '{ x: a y: b z: c }']],
    ['cost', { queryCost: 3 }, ['{ a b c }', '{ a b c d }']],
    ['cost', { queryCost: 3 }, ['{ a ... { b } }', '{ a ... { b c } }']],
    ['cost', { queryCost: 3 }, [`{ a ...F } ${FRAGMENT}`, `{ a b ...F } ${FRAGMENT}`]],
  ])('may have as much as the limit and no more: %s', (limit, limits, [just, tooMuch]) => {
    expect(limitOf(just, limits)).toBeUndefined();
    expect(limitOf(tooMuch, limits)).toBe(limit);
  });

  it('may have aliases of a hundred characters, wherever they stand', () => {
    const places = (alias: string) => [
      `{ a { ${alias}: b } }`,
      `{ a ... { ${alias}: b } }`,
      `{ ...F } fragment F on Query { ${alias}: b }`,
    ];
    expect(places('x'.repeat(100)).map((text) => limitOf(text))).toEqual(Array(3).fill(undefined));
    expect(places('x'.repeat(101)).map((text) => limitOf(text))).toEqual(Array(3).fill('aliases'));
  });

  it('counts its directives wherever they stand, those of a fragment once', () => {
    const places = (more: string) =>
      `query ($v: Int @x) @x { ...F @x ...F @x ... @x { a @x } }
       fragment F on Query @x { a ${times(43, () => '@x')} ${more} }`;
    expect(limitOf(places(''))).toBeUndefined();
    expect(limitOf(places('@x'))).toBe('directives');
  });

  it.each([
    '{ __schema { queryType { name } } }',
    '{ __typename __type(name: "Topup") { name } a }',
    '{ a ...F ...G } fragment F on Query { ... { x: __schema { description } } } fragment G on Query { b }',
    '{ a } fragment F on Query { __type(name: "Topup") { name } }',
  ])('asks for nothing of the schema where that is off: %s', (text) => {
    expect(limitOf(text)).toBeUndefined();
    expect(limitOf(text, { introspection: false })).toBe('introspection');
    expect(limitOf('{ a { __typename } }', { introspection: false })).toBeUndefined();
  });

  it('may open twenty lists of the introspection, of whatever kind', () => {
    const kinds = introspectionLists();
    expect(kinds.length).toBeGreaterThan(5);
    for (const name of kinds) {
      const asking = (count: number) => `{ __schema { ${times(count, () => name)} } }`;
      expect([name, limitOf(asking(20)), limitOf(asking(21))]).toEqual([
        name,
        undefined,
        'introspection',
      ]);
      const within = (count: number) => `{ __schema { types { ${times(count, () => name)} } } }`;
      expect([name, limitOf(within(19)), limitOf(within(20))]).toEqual([
        name,
        undefined,
        'introspection',
      ]);
    }
  });
});

/** The fields of the introspection that are lists of objects: those within each other multiply. */
function introspectionLists(): readonly string[] {
  const types = Object.values(schema.getTypeMap()).filter(isObjectType);
  const fields = types
    .filter(({ name }) => name.startsWith('__'))
    .flatMap((type) => Object.values(type.getFields()))
    .filter(({ type }) => isListType(getNullableType(type)) && isObjectType(getNamedType(type)));
  return [...new Set(fields.map(({ name }) => name))];
}
