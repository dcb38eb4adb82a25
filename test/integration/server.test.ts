import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { viewOf } from '../../src/core/view.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { ORDER_ID, observation } from '../support/observations.ts';
import { serve } from '../support/serving.ts';

const ORIGINS = ['https://one.example', 'https://two.example'];

describe('a page of another origin', () => {
  const originAllowedFor = async (origin: string, method: 'POST' | 'OPTIONS') => {
    await using server = await serve(createMemoryStore(), { allowedOrigins: ORIGINS });
    const response = await fetch(server.url, {
      method,
      headers: {
        origin,
        'content-type': 'application/json',
        'access-control-request-method': 'POST',
      },
      body: method === 'POST' ? '{"query":"{__typename}"}' : null,
    });
    await response.text();
    return response.headers.get('access-control-allow-origin');
  };

  it.each(ORIGINS)('may use the gateway where it is named: %s', async (origin) => {
    expect(await originAllowedFor(origin, 'POST')).toBe(origin);
    expect(await originAllowedFor(origin, 'OPTIONS')).toBe(origin);
  });

  it.each(['https://evil.example', 'null'])('may not where it is not: %s', async (origin) => {
    expect(await originAllowedFor(origin, 'POST')).toBeNull();
    expect(await originAllowedFor(origin, 'OPTIONS')).toBeNull();
  });
});

it('a client that keeps its half of a refused upgrade open does not keep the server', async () => {
  const server = await serve(createMemoryStore());
  const socket = connect({ port: Number(server.url.port), allowHalfOpen: true });
  socket.write(
    'GET /nope HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  );
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1.1 404 /);
  await server[Symbol.asyncDispose]();
  socket.destroy();
});

it('a page of no entries is empty from either end', async () => {
  const store = createMemoryStore();
  const { order } = await store.record(observation(), () => null);
  const topups = { lookup: async () => viewOf(order, order.checkedAt) };
  await using server = await serve(store, { topups });
  for (const page of ['first: 0', 'last: 0']) {
    const query = `{ topup(id: "${ORDER_ID}") { history(${page}) { edges { cursor } } } }`;
    const response = await fetch(`${server.url}?query=${encodeURIComponent(query)}`);
    expect(await response.json()).toEqual({ data: { topup: { history: { edges: [] } } } });
  }
});
