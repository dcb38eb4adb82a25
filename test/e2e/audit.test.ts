import { type AuditResult, serverAudits } from 'graphql-http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';

/** The recommendations of GraphQL over HTTP that the gateway does not follow, and why. */
const NOT_FOLLOWED: Readonly<Record<string, string>> = {
  'A5BF MAY use 400 status code when request body is missing on POST':
    'To a client that accepts application/json alone, Yoga answers 200 with an error in the body, as it does for every fault in a request: old clients take any other status for a broken connection.',
  'BCF8 SHOULD use 400 status code on JSON parsing failure when accepting application/json':
    'The same. A client that accepts application/graphql-response+json gets its 400.',
};

let gateway: GatewayProcess;
let results: readonly AuditResult[];

beforeAll(async () => {
  gateway = await startGatewayProcess({ DATABASE_URL: 'file::memory:' });
  results = await Promise.all(serverAudits({ url: gateway.url }).map(({ fn }) => fn()));
});

afterAll(() => gateway[Symbol.asyncDispose]());

const failures = () =>
  results.flatMap((result) =>
    result.status === 'ok'
      ? []
      : [{ name: `${result.id} ${result.name}`, reason: result.reason, level: result.status }],
  );

it('does all that GraphQL over HTTP requires', () => {
  expect(results.length).toBeGreaterThan(50);
  expect(failures().filter(({ level }) => level === 'error')).toEqual([]);
});

it('follows all that it recommends, but for what is named with a reason', () => {
  const names = failures().map(({ name }) => name);
  expect(names.toSorted()).toEqual(Object.keys(NOT_FOLLOWED).toSorted());
});
