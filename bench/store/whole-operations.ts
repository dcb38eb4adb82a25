/**
 * What a whole operation costs the gateway, from request to response: measured on two gateways, one for each log, as
 * `npm start` runs them.
 */
import { decodeCursor, encodeCursor } from '../../src/core/cursor.ts';
import { createRandom } from '../../src/simulator/random.ts';
import { Audience } from '../speed/audience.ts';
import { gatewayCommand, startNode, urlOnceUp } from '../speed/contestants.ts';
import { PROBE } from '../speed/paths.ts';
import { Pinned } from '../speed/pinned.ts';
import { type Ask, type Operation, overHttp, overWebSocket } from './asking.ts';
import { orderId, SNAPSHOTS_AN_ORDER } from './fill.ts';
import type { Log, Logs } from './log.ts';
import { byTurns, type Pair, row } from './rounds.ts';

/** Node needs some ten thousand operations before it runs these paths at full speed. */
export const TURNS = { rounds: 41, toWarmUp: 10 };
const OPERATIONS_A_ROUND = 1_000;

/** Orders in progress besides those of the filled log, each with a subscriber. Each round sends an event for each. */
const FOLLOWED = 100;

const STATE =
  'id ref type number amount status upstreamStatus cardCode transactionNumber processedAt createdAt';

const QUERIES = {
  'topup, uncached': `query Topup($id: ID!) { topup(id: $id) { ${STATE} } }`,
  'topup with its history, first page': `query History($id: ID!) { topup(id: $id) {
    id history(first: 20) { edges { cursor node { status observedAt cardCode } } pageInfo { hasNextPage endCursor } }
  } }`,
};

const RESUME = `subscription Resume($id: ID!, $after: String) {
  topupStatus(id: $id, after: $after) { ${STATE} cursor isFinal }
}`;

const random = createRandom(11);

interface Gateway {
  readonly process: Pinned;
  readonly url: string;
  readonly orders: number;
  /** The id of the gateway's log, for cursors. */
  readonly logId: string;
}

export async function wholeOperations(logs: Logs): Promise<readonly string[]> {
  const gateways = { small: await start(logs.small), large: await start(logs.large) };
  const rows = [...(await queryRows(gateways)), ...(await resumeRows(gateways))];
  await Promise.all([gateways.small.process.stop(), gateways.large.process.stop()]);
  return [...rows, await eventRow(logs)];
}

async function start({ database, orders }: Log): Promise<Gateway> {
  // All orders are settled, so the gateway never calls the upstream.
  const usual = gatewayCommand({ database, upstream: 'http://127.0.0.1:9' });
  const process = new Pinned({
    ...usual,
    environment: { ...usual.environment, MAX_MESSAGES_PER_SECOND: '100000' },
    command: [usual.command[0] ?? '', '--import', PROBE, ...usual.command.slice(1)],
  });
  const url = await urlOnceUp(process);
  return { process, url, orders, logId: await logIdOf(url) };
}

async function logIdOf(url: string): Promise<string> {
  const query = `{ topup(id: "${orderId(0)}") { cursor } }`;
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) });
  const { data } = await response.json();
  const cursor = decodeCursor(data.topup.cursor);
  if (cursor === undefined) throw new Error('a cursor that cannot be read');
  return cursor.logId;
}

async function queryRows(gateways: Pair<Gateway>): Promise<readonly string[]> {
  const clients = { small: overHttp(gateways.small.url), large: overHttp(gateways.large.url) };
  const rows: string[] = [];
  for (const [name, query] of Object.entries(QUERIES)) {
    const costs = await byTurns(TURNS, (log, round) => {
      // The variable `place`, which no query uses, makes all requests differ, so that no response comes from the cache.
      const operations = someOf(gateways[log].orders).map((nth, place) => ({
        query,
        variables: { id: orderId(nth), place: `${round}.${place}` },
      }));
      return microseconds(gateways[log].process, operations, clients[log].ask);
    });
    rows.push(row(name, costs));
  }
  await Promise.all(Object.values(gateways).map(({ url }) => refuseRemembered(url)));
  for (const { close } of Object.values(clients)) close();
  return rows;
}

/** Rejects if any response came from the cache. */
async function refuseRemembered(url: string): Promise<void> {
  const metrics = await (await fetch(new URL('/metrics', url))).text();
  if (!/^topup_gateway_answers_remembered_total 0$/m.test(metrics)) {
    throw new Error('some answers were those of before');
  }
}

async function resumeRows(gateways: Pair<Gateway>): Promise<readonly string[]> {
  const rows: string[] = [];
  for (const [name, events] of [
    ['resume, one event', 1],
    ['resume, three events', 3],
  ] as const) {
    const clients = {
      small: await overWebSocket(gateways.small.url, { events }),
      large: await overWebSocket(gateways.large.url, { events }),
    };
    const costs = await byTurns(TURNS, (log) => {
      const { orders, logId, process } = gateways[log];
      const after = encodeCursor({ logId, version: SNAPSHOTS_AN_ORDER - events });
      const operations = someOf(orders).map((nth) => ({
        query: RESUME,
        variables: { id: orderId(nth), after },
      }));
      return microseconds(process, operations, clients[log].ask);
    });
    rows.push(row(name, costs));
    for (const { close } of Object.values(clients)) close();
  }
  return rows;
}

/** Measures from the append, in one transaction as for a list, to the subscribers' sockets. */
async function eventRow(logs: Logs): Promise<string> {
  const audiences = { small: await audienceOf(logs.small), large: await audienceOf(logs.large) };
  const costs = await byTurns(TURNS, async (log) => {
    const { cpuMicrosecondsPerMessage } = await audiences[log].publish(1);
    return cpuMicrosecondsPerMessage;
  });
  for (const audience of Object.values(audiences)) {
    await audience.close();
    await audience.server.process.stop();
  }
  return row(`append and its event, ${FOLLOWED} orders at once`, costs);
}

async function audienceOf({ database }: Log): Promise<Audience> {
  const environment = { LOG_DATABASE: database, LOG_ORDERS: String(FOLLOWED) };
  const server = await startNode('the log of a server', 'gateway-with-log', environment);
  const audience = await Audience.open(server, { subscribers: FOLLOWED, own: true });
  await audience.warmUp(1);
  return audience;
}

/** `OPERATIONS_A_ROUND` random orders. If there are fewer orders than that, all have their turn before any repeats. */
function someOf(orders: number): readonly number[] {
  const turns = Math.ceil(OPERATIONS_A_ROUND / orders);
  if (turns === 1) {
    return Array.from({ length: OPERATIONS_A_ROUND }, () => Math.floor(random() * orders));
  }
  return Array.from({ length: turns }, () => shuffled(orders))
    .flat()
    .slice(0, OPERATIONS_A_ROUND);
}

function shuffled(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => ({ index, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ index }) => index);
}

/** The CPU time of the process per operation, in microseconds. */
async function microseconds(
  process: Pinned,
  operations: readonly Operation[],
  ask: Ask,
): Promise<number> {
  const before = await process.ask({ kind: 'usage' }, 'usage');
  await ask(operations);
  const after = await process.ask({ kind: 'usage' }, 'usage');
  return ((after.cpuMs - before.cpuMs) * 1_000) / operations.length;
}
