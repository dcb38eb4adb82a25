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

it('what an operation costs is measured anew where other variables came before, whatever their names', () => {
  const known = new KnownOperations({ queryCost: 20, onPlanGivenUp: () => undefined });
  const asked = (variables: Params['variables']) => ({
    query: QUERY,
    operationName: null,
    variables,
  });
  const cheap = asked({ a: 'x', b: 'y' });
  known.learn('', cheap, { kind: 'query', document: parse(QUERY), headers: [] });
  const argsOf = (params: Params) => {
    const operation = known.find('', params);
    const contextValue = {} as GraphQLContext;
    return operation && known.argsOf(operation, { params, contextValue });
  };
  expect(argsOf(asked({ a: 'p', b: 'q' }))).toBeDefined();
  // Of one variable that nobody declared, so that the list is the default.
  for (const name of ['a\nb', 'a""b', 'ab']) expect(argsOf(asked({ [name]: 'x' }))).toBeUndefined();
});
