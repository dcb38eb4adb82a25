import { execFile } from 'node:child_process';
import { rm, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { fulfilledAtOnce } from '../../src/simulator/life.ts';
import { runGateway } from '../support/child-process.ts';
import { startGatewayOverSimulator } from '../support/gateway-over-simulator.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { ask, post } from '../support/graphql-over-the-wire.ts';
import { SECRET } from '../support/tickets.ts';

interface CardAnswer {
  readonly topup: { readonly status: string; readonly cardCode: string | null } | null;
}

const cardOf = (id: string) => `{ topup(id: "${id}") { status cardCode } }`;

describe.concurrent('access', () => {
  it('is not left open to other machines: the start is refused, and says what to set', async () => {
    const { code, stderr } = await runGateway({ DATABASE_URL: 'file::memory:', HOST: '0.0.0.0' });
    expect(code).toBe(78);
    expect(stderr).toMatch(
      /^topup-gateway: the configuration is wrong:\n {2}HOST 0\.0\.0\.0 .*AUTH_JWT_SECRET or AUTH_JWKS_URL.*AUTH=none/,
    );
  });

  it('is left open on purpose with a warning', async () => {
    await using gateway = await startGatewayProcess({
      DATABASE_URL: 'file::memory:',
      HOST: '0.0.0.0',
      AUTH: 'none',
    });
    const warning = await gateway.line((line) => line.includes('AUTH=none'));
    expect(JSON.parse(warning)).toMatchObject({ level: 40 });
  });

  it('is given by the ticket that `npm run ticket` prints', async () => {
    await using stack = await startGatewayOverSimulator({ AUTH_JWT_SECRET: SECRET });
    const id = stack.simulator.addOrder({ plan: fulfilledAtOnce() });
    const args = ['src/commands/ticket.ts', '--topup', id, '--scope', 'status card', '--ttl', '1m'];
    const env = { ...process.env, AUTH_JWT_SECRET: SECRET };
    const { stdout } = await promisify(execFile)(process.execPath, args, { env });
    const response = await fetch(`${stack.gateway.url}?query=${encodeURIComponent(cardOf(id))}`, {
      headers: { authorization: `Bearer ${stdout.trim()}` },
    });
    expect(await response.json()).toEqual({
      data: { topup: { status: 'FULFILLED', cardCode: expect.stringMatching(/^\d+$/) } },
    });
  });
});

it('the key of card codes is in a file for its owner alone; without it they cannot be read, and all else can', async () => {
  await using stack = await startGatewayOverSimulator();
  const keyFile = `${stack.databasePath}.card-keys`;
  const [id, other] = [1, 2].map(() => stack.simulator.addOrder({ plan: fulfilledAtOnce() }));
  const before = await ask<CardAnswer>(stack.gateway, { document: cardOf(id ?? '') });
  expect(before.topup?.cardCode).toMatch(/^\d+$/);
  expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
  await stack.gateway.line((line) => line.includes(keyFile));

  await stack.gateway.end('SIGTERM');
  await rm(keyFile);
  const gateway = await stack.restart();
  // Told at once, not only when a customer asks.
  await gateway.line(
    (line) => line.includes('"count":1') && line.includes('a key that is not there'),
  );
  const { httpStatus, body } = await post<CardAnswer>(gateway, { document: cardOf(id ?? '') });
  expect([httpStatus, body.data]).toEqual([
    200,
    { topup: { status: 'FULFILLED', cardCode: null } },
  ]);
  expect(body.errors).toMatchObject([
    {
      message: expect.stringMatching(/cannot be read: the key .*CARD_CODE_KEYS/),
      path: ['topup', 'cardCode'],
      extensions: { code: 'INTERNAL_SERVER_ERROR' },
    },
  ]);
  const later = await ask<CardAnswer>(gateway, { document: cardOf(other ?? '') });
  expect(later.topup?.cardCode).toMatch(/^\d+$/);
});
