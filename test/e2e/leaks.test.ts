import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { FaultName } from '../../src/simulator/faults.ts';
import { fulfilledAfter, fulfilledAtOnce } from '../../src/simulator/life.ts';
import { SIMULATOR_API_KEY } from '../../src/simulator/simulator.ts';
import { startGatewayOverSimulator } from '../support/gateway-over-simulator.ts';
import { bearer, SECRET } from '../support/tickets.ts';

const FAULTS: readonly FaultName[] = ['serverError', 'html', 'truncated', 'connectionReset'];

/** After these OneClickDz is asked little, or nothing: so they come when all cards have been seen. */
const LAST_FAULTS: readonly FaultName[] = ['throttled', 'unauthorized'];

/** What a client is told of them. */
const CODES: Partial<Record<FaultName, string>> = {
  throttled: 'UPSTREAM_THROTTLED',
  unauthorized: 'UPSTREAM_REFUSED',
};

interface Answer {
  readonly data?: {
    readonly topup?: { readonly status: string; readonly cardCode: string | null };
  };
}

it('no card code, key, ticket or secret is anywhere but where it belongs, through a whole run with faults', async () => {
  await using stack = await startGatewayOverSimulator({
    LOG_LEVEL: 'trace',
    AUTH_JWT_SECRET: SECRET,
  });
  const { simulator, gateway } = stack;
  const exp = Math.floor(Date.now() / 1_000) + 600;
  const all = await bearer({ topups: '*', scope: 'status card operator', exp });
  const plain = await bearer({ topups: '*', scope: 'status', exp });
  const told: string[] = [];
  const get = async (path: string, authorization = all) => {
    const response = await fetch(new URL(path, gateway.url), { headers: { authorization } });
    told.push(JSON.stringify([...response.headers]), await response.text());
  };
  const post = async (body: string, authorization: string) => {
    const headers = { 'content-type': 'application/json', authorization };
    const response = await fetch(gateway.url, { method: 'POST', headers, body });
    return response.text();
  };
  const askFor = (id: string) =>
    JSON.stringify({ query: `{ topup(id: "${id}", maxAge: 0) { status cardCode } }` });

  const ids = [...Array(8)].map((_, n) =>
    simulator.addOrder({ plan: n % 2 === 0 ? fulfilledAtOnce() : fulfilledAfter(1_500) }),
  );
  const cards = new Set<string>();
  // A gateway that has not been answered yet takes the first fault for all.
  await post(askFor(simulator.addOrder({ plan: fulfilledAtOnce() })), all);
  for (const fault of FAULTS) {
    simulator.fail({ fault, times: 1, retryAfterSeconds: 1 });
    for (const id of ids) told.push(await post(askFor(id), plain));
  }
  await expect
    .poll(
      async () => {
        for (const id of ids) {
          const { data } = JSON.parse(await post(askFor(id), all)) as Answer;
          if (data?.topup?.cardCode) cards.add(data.topup.cardCode);
        }
        return cards.size;
      },
      { timeout: 25_000, interval: 500 },
    )
    .toBe(ids.length);

  for (const fault of LAST_FAULTS) {
    simulator.fail({ fault, times: 1, retryAfterSeconds: 1 });
    const unseen = simulator.addOrder({ plan: fulfilledAtOnce() });
    await expect
      .poll(() => post(askFor(unseen), all).then((text) => told.push(text) && text))
      .toMatch(CODES[fault] ?? '');
  }
  await get('/health/ready');
  for (const authorization of [all, plain, `${all}x`, undefined]) {
    told.push(...(await overWebSocket(gateway.wsUrl, { authorization, id: ids[0] ?? '' })));
  }

  for (const body of ['{', '{"query":"{"}', '{"query":"{ topup(id: \\"x y\\") { id } }"}', '[]']) {
    told.push(
      await post(body, all),
      await post(body, `${all}x`),
      await post(body, `Bearer ${SECRET}`),
    );
  }
  for (const path of [
    '/metrics',
    '/health/live',
    '/health/ready',
    '/nowhere',
    '/graphql?query={',
  ]) {
    await get(path);
    await get(path, `${plain}x`);
  }
  const folder = dirname(stack.databasePath);
  const files = async () => {
    const names = (await readdir(folder)).map((name) => join(folder, name));
    return Promise.all(names.map((name) => readFile(name, 'latin1')));
  };
  const whileOpen = await files();
  await gateway.end('SIGTERM');
  const places = {
    'an answer': told.join('\n'),
    'the log': gateway.lines.join('\n'),
    'a file beside the database': [...whileOpen, ...(await files())].join('\n'),
  };

  expect(gateway.lines.length).toBeGreaterThan(50);
  expect(whileOpen.join('').length).toBeGreaterThan(50_000);
  const secrets = [...cards, SIMULATOR_API_KEY, SECRET, all, plain, ...signatures(all, plain)];
  for (const [place, text] of Object.entries(places)) {
    for (const secret of secrets) {
      expect(text.includes(secret), `${place} holds ${secret.slice(0, 8)}…`).toBe(false);
    }
  }
}, 60_000);

/** All that a client of a WebSocket is told of an order's state, the end of the socket included. */
async function overWebSocket(
  url: string,
  { authorization, id }: { readonly authorization: string | undefined; readonly id: string },
): Promise<readonly string[]> {
  const socket = new WebSocket(url, 'graphql-transport-ws');
  const told: string[] = [];
  const ended = new Promise<void>((resolve) => {
    socket.once('close', (code, reason) => {
      told.push(`${code} ${reason}`);
      resolve();
    });
  });
  socket.on('message', (data) => {
    told.push(String(data));
    const { type } = JSON.parse(String(data));
    const query = `subscription { topupStatus(id: "${id}") { status cursor } }`;
    if (type === 'connection_ack') {
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));
    }
    if (type === 'complete' || type === 'error') socket.close();
  });
  socket.once('open', () =>
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization } })),
  );
  await ended;
  return told;
}

/** A ticket without its head is a ticket still. */
function signatures(...tickets: readonly string[]): readonly string[] {
  return tickets.map((ticket) => ticket.split('.').at(-1) ?? '');
}
