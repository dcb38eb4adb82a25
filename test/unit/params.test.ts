import { expect, it } from 'vitest';
import { paramsOfAddress } from '../../src/answers/params.ts';

it('reads a question out of an address', () => {
  const variables = encodeURIComponent('{"id":"ö"}');
  expect(paramsOfAddress(`query=%7Ba+b%7D&variables=${variables}&operationName=Q`)).toEqual({
    query: '{a b}',
    variables: { id: 'ö' },
    operationName: 'Q',
  });
  expect(paramsOfAddress('query={a(b:"=")}')).toEqual({
    query: '{a(b:"=")}',
    variables: null,
    operationName: null,
  });
});

it.each([
  '',
  'query',
  'variables={}',
  'query={a}&',
  'query={a}&query={b}',
  'query={a}&extensions={}',
  'query={a}&documentId=1',
  'query={a}&operationName=',
  'query={a}&variables=',
  'query={a}&variables=[]',
  'query={a}&variables={',
  'query=%7',
  'query={a}#{b}',
  'query=%ff',
  '__proto__=1&query={a}',
])('leaves what is unusual to Yoga: %s', (search) => {
  expect(paramsOfAddress(search)).toBeUndefined();
});
