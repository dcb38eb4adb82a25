import { GraphQLError, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { schema } from '../../src/graphql/schema.ts';
import { costError } from '../../src/limits/cost.ts';

interface Asked {
  readonly operationName?: string;
  readonly variableValues?: Record<string, unknown>;
}

const errorFor = (text: string, queryCost: number, asked: Asked = {}) =>
  costError({ schema, document: parse(text), contextValue: {}, ...asked }, queryCost);

describe('the cost of an operation', () => {
  it.each([
    ['a field costs 1', '{ gateway { overdue } }', 2],
    ['a lookup costs 10, and its fields', '{ topup(id: "a") { status version } }', 12],
    [
      'lookups of many cost as much each',
      '{ topups(ids: ["a", "b", "c"]) { status version } }',
      36,
    ],
    [
      'a page counts as long as it may be from the start',
      '{ topup(id: "a") { history(first: 4) { edges { cursor } } } }',
      19,
    ],
    ['or from the end', '{ topup(id: "a") { history(last: 4) { edges { cursor } } } }', 19],
    ['or by itself', '{ topup(id: "a") { history { edges { cursor } } } }', 51],
    [
      'lists within lists multiply',
      '{ topups(ids: ["a", "b"]) { history(first: 3) { edges { cursor } } } }',
      34,
    ],
  ])('%s', (_, text, cost) => {
    expect(errorFor(text, cost)).toBeUndefined();
    expect(errorFor(text, cost - 1)?.message).toBe(`The query costs more than ${cost - 1}.`);
  });

  it('depends on the variables', () => {
    const text = 'query ($ids: [ID!]!) { topups(ids: $ids) { status } }';
    expect(errorFor(text, 11, { variableValues: { ids: ['a'] } })).toBeUndefined();
    expect(errorFor(text, 11, { variableValues: { ids: ['a', 'b'] } })).toBeDefined();
  });

  it('is that of the operation which runs, among several in a document', () => {
    const text = 'query Cheap { __typename } query Dear { topup(id: "a") { status } }';
    expect(errorFor(text, 10, { operationName: 'Cheap' })).toBeUndefined();
    expect(errorFor(text, 10, { operationName: 'Dear' })).toBeDefined();
  });

  it.each([
    ['a variable', { ids: { a: 1 } }, '$ids: [ID!]!', '$ids'],
    ['an argument', {}, '', '{ a: 1 }'],
  ])(
    'is unknown with %s of the wrong type, so the operation is refused',
    (...[, variableValues, variable, ids]) => {
      const text = `query Q${variable && `(${variable})`} { topups(ids: ${ids}) { status } }`;
      expect(errorFor(text, 1_000, { variableValues })).toBeInstanceOf(GraphQLError);
    },
  );
});
