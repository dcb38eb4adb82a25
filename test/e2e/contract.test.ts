import { afterAll, beforeAll, expect, it } from 'vitest';
import { fulfilledAfter } from '../../src/simulator/life.ts';
import {
  type GatewayOverSimulator,
  startGatewayOverSimulator,
} from '../support/gateway-over-simulator.ts';

let stack: GatewayOverSimulator;

beforeAll(async () => {
  stack = await startGatewayOverSimulator();
});

afterAll(() => stack[Symbol.asyncDispose]());

it('answers', async () => {
  const id = stack.simulator.addOrder({ plan: fulfilledAfter(2_000) });
  const response = await fetch(stack.gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{topup(id:"' + id + '"){status version}}' }),
  });
  expect(await response.json()).toEqual({ data: { topup: { status: 'HANDLING', version: 1 } } });
});
