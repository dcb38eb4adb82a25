import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fulfilledAtOnce, scripted } from '../../src/simulator/life.ts';
import { runGateway } from '../support/child-process.ts';
import {
  type GatewayOverSimulator,
  startGatewayOverSimulator,
} from '../support/gateway-over-simulator.ts';
import { startGatewayProcess, temporaryFolder } from '../support/gateway-process.ts';
import { collect, overWebSocket, post } from '../support/graphql-over-the-wire.ts';

let stack: GatewayOverSimulator;

beforeAll(async () => {
  stack = await startGatewayOverSimulator({ UNCACHED_LOOKUPS_PER_MINUTE: '3' });
});

afterAll(() => stack[Symbol.asyncDispose]());

it('counts only lookups that have OneClickDz asked, and says in a metric and in the log what it refused', async () => {
  const settled = stack.simulator.addOrder({ plan: fulfilledAtOnce() });
  const parked = stack.simulator.addOrder({ plan: scripted([{ afterMs: 0, status: 'QUEUED' }]) });
  const other = stack.simulator.addOrder({ plan: fulfilledAtOnce() });
  const ask = async (id: string, args = '') =>
    (await post(stack.gateway, { document: `{ topup(id: "${id}"${args}) { status isStale } }` }))
      .body;
  // Two, however often, and whoever asks at the same moment.
  await Promise.all([ask(settled), ask(settled), ask(parked)]);
  for (let times = 0; times < 5; times += 1) await Promise.all([ask(settled), ask(parked)]);
  // The third.
  expect(await ask(parked, ' maxAge: 0')).toEqual({
    data: { topup: { status: 'QUEUED', isStale: false } },
  });
  const refused = { extensions: { code: 'LIMIT_EXCEEDED', retryAfterSeconds: expect.any(Number) } };
  expect(await ask(other)).toMatchObject({ data: { topup: null }, errors: [refused] });
  expect(await ask(parked, ' maxAge: 0')).toMatchObject({ errors: [refused] });
  expect(await ask(settled, ' maxAge: 0')).toEqual({
    data: { topup: { status: 'FULFILLED', isStale: false } },
  });
  expect(stack.simulator.calls.countFor(other)).toBe(0);
  const metrics = await (await fetch(new URL('/metrics', stack.gateway.url))).text();
  expect(metrics).toContain('topup_gateway_refused_total{limit="lookups"} 2');
  const told = stack.gateway.lines.filter((line) => line.includes('"limit":"lookups"'));
  expect(told).toEqual([expect.stringContaining('a client wanted more')]);
});

it.each([
  ['/graphql?query={__typename}', 'application/json'],
  ['/graphql', 'text/html'],
  ['/health/live', '*/*'],
  ['/metrics', '*/*'],
])('tells browsers to keep to themselves: %s as %s', async (path, accept) => {
  const response = await fetch(new URL(path, stack.gateway.url), { headers: { accept } });
  await response.arrayBuffer();
  const headers = Object.fromEntries(response.headers);
  expect(headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'content-security-policy': expect.stringMatching(
      /^default-src 'none'; .*frame-ancestors 'none'$/,
    ),
  });
  expect(headers).not.toHaveProperty('strict-transport-security');
  expect(headers['content-security-policy']).not.toMatch(/script-src [^;]*'unsafe/);
});

describe('with trusted documents', () => {
  const QUERY = 'query Known { gateway { overdue } }';
  const HASH = 'a3f1';
  const FORBIDDEN = { errors: [{ extensions: { code: 'FORBIDDEN' } }] };

  it('runs those, by their hash and by their text, and nothing else', async () => {
    await using folder = await temporaryFolder();
    const path = `${folder.path}/trusted.json`;
    await writeFile(path, JSON.stringify({ [HASH]: QUERY }));
    await using gateway = await startGatewayProcess({
      DATABASE_URL: 'file::memory:',
      TRUSTED_DOCUMENTS: path,
    });
    const send = async (body: object) => {
      const response = await fetch(gateway.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify(body),
      });
      return response.json();
    };
    const known = { data: { gateway: { overdue: 0 } } };
    const get = async (documentId: string) => {
      const headers = { accept: 'application/json' };
      const response = await fetch(`${gateway.url}?documentId=${documentId}`, { headers });
      return response.json();
    };
    const persistedQuery = { version: 1, sha256Hash: HASH };
    expect(await send({ query: QUERY })).toEqual(known);
    expect(await send({ documentId: `sha256:${HASH}` })).toEqual(known);
    expect(await get(HASH)).toEqual(known);
    expect(await get('ffff')).toMatchObject(FORBIDDEN);
    expect(await send({ extensions: { persistedQuery } })).toEqual(known);
    expect(await send({ query: '{ gateway { overdue } }' })).toMatchObject(FORBIDDEN);
    expect(await send({ query: '{ gateway { overdue } }', documentId: HASH })).toMatchObject(
      FORBIDDEN,
    );
    expect(await send({ documentId: 'ffff' })).toMatchObject(FORBIDDEN);
    expect(await collect(overWebSocket(gateway, { document: QUERY }))).toEqual([known]);
    expect(await collect(overWebSocket(gateway, { document: '{ __typename }' }))).toMatchObject([
      FORBIDDEN,
    ]);
    const page = await fetch(gateway.url, { headers: { accept: 'text/html' } });
    expect(await page.text()).not.toContain('<html');
    const metrics = await (await fetch(new URL('/metrics', gateway.url))).text();
    expect(metrics).toMatch(/topup_gateway_refused_total\{limit="trusted_documents"\} [4-9]/);
  });

  it('does not start on a file that is none', async () => {
    await using folder = await temporaryFolder();
    const path = `${folder.path}/trusted.json`;
    await writeFile(path, '["query"]');
    const { code, stderr } = await runGateway({
      DATABASE_URL: 'file::memory:',
      TRUSTED_DOCUMENTS: path,
    });
    expect([code, stderr]).toEqual([
      78,
      expect.stringContaining('TRUSTED_DOCUMENTS: expected a JSON file of'),
    ]);
  });

  it('does not start where there is no such file, and says so', async () => {
    await using folder = await temporaryFolder();
    const path = `${folder.path}/nowhere.json`;
    const { code, stderr } = await runGateway({
      DATABASE_URL: 'file::memory:',
      TRUSTED_DOCUMENTS: path,
    });
    expect([code, stderr]).toEqual([
      78,
      expect.stringContaining('TRUSTED_DOCUMENTS: expected a file that can be read (ENOENT)'),
    ]);
  });
});
