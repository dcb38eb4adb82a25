import { parse } from 'graphql';
import { expect, it } from 'vitest';
import { KnownOperations } from '../../src/answers/known-operations.ts';
import type { Params } from '../../src/answers/params.ts';
import type { GraphQLContext } from '../../src/graphql/context.ts';

const IDS = Array.from({ length: 50 }, (_, nth) => `"${nth.toString(16).padStart(24, '0')}"`);
const QUERY = `query ($a: [ID!]! = [${IDS.join()}], $b: ID) {
  all: topups(ids: $a) { id }
  one: topup(id: $b) { id }
}`;

/** Has an operation known as it was asked for once; the function tells how it is run when it is asked for again. */
function knownBy(query: string, variables: Params['variables'], queryCost: number) {
  const known = new KnownOperations({ queryCost });
  const first = { query, operationName: null, variables };
  known.learn('', first, { kind: 'query', document: parse(query), headers: [] });
  return (others: Params['variables']) => {
    const params = { ...first, variables: others };
    const operation = known.find('', params);
    const contextValue = {} as GraphQLContext;
    return operation && known.argsOf(operation, { params, contextValue });
  };
}

it('what an operation costs is measured anew where other variables came before, whatever their names', () => {
  const argsOf = knownBy(QUERY, { a: 'x', b: 'y' }, 20);
  expect(argsOf({ a: 'p', b: 'q' })).toBeDefined();
  expect(argsOf({ a: Array(50).fill('p'), b: 'q' })).toBeUndefined();
  // Of one variable that nobody declared, so that the list is the default.
  for (const name of ['a\nb', 'a""b', 'ab']) expect(argsOf({ [name]: 'x' })).toBeUndefined();
});

it('what an operation costs is measured anew where a variable is no text, as it was none before', () => {
  const query =
    'query ($id: ID!, $n: Int) { topup(id: $id) { history(first: $n) { edges { cursor } } } }';
  const argsOf = knownBy(query, { id: 'x', n: 1 }, 60);
  expect(argsOf({ id: 'x', n: 2 })).toBeDefined();
  expect(argsOf({ id: 'x', n: 100 })).toBeUndefined();
});

it('an operation is known by its head, its text and its name, whatever its variables', () => {
  const known = new KnownOperations({ queryCost: 20 });
  const query = 'query A { __typename } query B { x: __typename }';
  const params = { query, operationName: 'A', variables: null };
  known.learn('POST\n', params, { kind: 'query', document: parse(query), headers: [] });
  expect(known.find('POST\n', { ...params, variables: { id: 'x' } })).toBeDefined();
  expect(known.find('GET\n', params)).toBeUndefined();
  for (const other of [
    { operationName: 'B' },
    { operationName: '' },
    { operationName: null },
    { query: `${query} ` },
  ])
    expect(known.find('POST\n', { ...params, ...other })).toBeUndefined();
});
