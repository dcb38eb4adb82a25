/**
 * `npm run bench:profile -- cached`, `-- uncached`, `-- fan-out` or `-- own-orders`: the gateway's CPU time by package
 * and by function, from Node's `--cpu-prof`. `-- idle`, `-- idle-own-orders`, `-- idle-bare`, `-- idle-streams` or
 * `-- idle-bare-streams`: the heap memory of an idle subscriber by kind of object, from two heap snapshots.
 */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Audience, type AudienceOptions } from './audience.ts';
import {
  BARE_STREAM,
  BARE_WS,
  gatewayCommand,
  OURS,
  type Running,
  startUpstream,
  urlOnceUp,
  whileRunning,
} from './contestants.ts';
import { newDatabase, parkedLog, writeSettledLog } from './databases.ts';
import { growthBetween, type HeapSnapshot, printedGrowth } from './heap-summary.ts';
import { load } from './load.ts';
import { contestantFile, DATA, LEAVE_ON_SIGNAL, PROBE } from './paths.ts';
import { endAllWithBench, Pinned, SERVER_CORE } from './pinned.ts';
import { printed, summaryOf } from './profile-summary.ts';
import { idOf, SNAPSHOTS_EACH } from './rows.ts';

const ORDERS = 1_000;
/** More orders than can be queried in `SECONDS`, so that no response is served from a cache. */
const MANY_ORDERS = 60_000;
const SECONDS = 8;
const SUBSCRIBERS = 2_000;
const EVENTS = 30;
const SNAPSHOT_SIGNAL = 'SIGUSR2';
const SETTLING_MS = 3_000;

endAllWithBench();
mkdirSync(DATA, { recursive: true });
const folder = mkdtempSync(join(DATA, 'profile-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const snapshots = [`--heapsnapshot-signal=${SNAPSHOT_SIGNAL}`, `--diagnostic-dir=${folder}`];
const profiling = ['--cpu-prof', `--cpu-prof-dir=${folder}`];

const STREAMS = { own: false, over: 'server-sent events' } as const;

const [what] = process.argv.slice(2);
if (what === 'cached') await profileQueries(ORDERS);
else if (what === 'uncached') await profileQueries(MANY_ORDERS);
else if (what === 'fan-out') await profileEvents({ own: false });
else if (what === 'own-orders') await profileEvents({ own: true });
else if (what === 'idle') await profileIdle(startIdleGateway, { own: false });
else if (what === 'idle-own-orders') await profileIdle(startIdleGateway, { own: true });
else if (what === 'idle-bare') await profileIdle(() => startIdleBare('node-ws'), { own: false });
else if (what === 'idle-streams') await profileIdle(startIdleGateway, STREAMS);
else if (what === 'idle-bare-streams') {
  await profileIdle(() => startIdleBare('node-event-stream'), STREAMS);
} else {
  throw new RangeError(
    'say which: cached, uncached, fan-out, own-orders, idle, idle-own-orders, idle-bare, idle-streams or idle-bare-streams',
  );
}
for (const file of readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))) {
  const summary = summaryOf(JSON.parse(readFileSync(join(folder, file), 'utf8')));
  process.stdout.write(`${printed(summary).join('\n')}\n`);
}

/** Profiles the gateway as `npm start` runs it, under queries for settled orders one after the other. */
async function profileQueries(orders: number): Promise<void> {
  const database = newDatabase();
  await writeSettledLog(database, orders * SNAPSHOTS_EACH);
  const ids = Array.from({ length: orders }, (_, index) => idOf(index));
  await whileRunning([startUpstream], async ([upstream]) => {
    const start = gatewayCommand({ database, upstream: upstream?.url ?? '' });
    const [node = '', ...rest] = start.command;
    const gateway = new Pinned({ ...start, command: [node, ...profiling, ...rest] });
    await load({ url: await urlOnceUp(gateway), ids, seconds: SECONDS });
    await end(gateway);
  });
}

/** Profiles the server and log of the scenarios `fan-out` and `own-orders`. */
async function profileEvents({ own }: { readonly own: boolean }): Promise<void> {
  const server = new Pinned({
    core: SERVER_CORE,
    command: [
      process.execPath,
      ...profiling,
      '--import',
      PROBE,
      '--import',
      LEAVE_ON_SIGNAL,
      contestantFile('gateway-with-log'),
    ],
    environment: { LOG_DATABASE: newDatabase(), LOG_ORDERS: String(own ? SUBSCRIBERS : 1) },
  });
  const { port } = await server.hear('listening');
  const running = { who: OURS, url: `http://127.0.0.1:${port}/graphql`, process: server };
  const audience = await Audience.open(running, { subscribers: SUBSCRIBERS, own });
  await audience.warmUp(EVENTS);
  await end(server);
  await audience.close();
}

/** Compares two heap snapshots: without subscribers, and with thousands that wait for parked orders. */
async function profileIdle(
  start: (upstream: string) => Promise<Running>,
  options: Omit<AudienceOptions, 'subscribers'>,
): Promise<void> {
  await whileRunning([startUpstream], async ([upstream]) => {
    const server = await start(upstream?.url ?? '');
    // Twice, since the first snapshot itself leaves objects behind.
    await snapshotOf(server);
    const before = await snapshotOf(server);
    const audience = await Audience.open(server, { subscribers: SUBSCRIBERS, ...options });
    await pause(SETTLING_MS);
    const after = await snapshotOf(server);
    await server.process.stop();
    await audience.close();
    const growth = growthBetween(before, after);
    process.stdout.write(`${printedGrowth(growth, SUBSCRIBERS).join('\n')}\n`);
  });
}

async function startIdleGateway(upstream: string): Promise<Running> {
  const start = gatewayCommand({ database: await parkedLog(SUBSCRIBERS), upstream });
  const [node = '', ...rest] = start.command;
  const gateway = new Pinned({ ...start, command: [node, ...snapshots, ...rest] });
  return { who: OURS, url: await urlOnceUp(gateway), process: gateway };
}

async function startIdleBare(file: 'node-ws' | 'node-event-stream'): Promise<Running> {
  const command = [process.execPath, ...snapshots, contestantFile(file)];
  const server = new Pinned({ core: SERVER_CORE, command });
  const { port } = await server.hear('listening');
  const who = file === 'node-ws' ? BARE_WS : BARE_STREAM;
  return { who, url: `http://127.0.0.1:${port}/graphql`, process: server };
}

/** Takes a heap snapshot. Node collects garbage first. */
async function snapshotOf({ process: { child } }: Running): Promise<HeapSnapshot> {
  const known = new Set(readdirSync(folder));
  child.kill(SNAPSHOT_SIGNAL);
  for (;;) {
    await pause(SETTLING_MS);
    const file = readdirSync(folder).find((name) => !known.has(name));
    const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8');
    // The file is complete once it ends with a brace.
    if (text.endsWith('}')) return JSON.parse(text);
  }
}

/** Ends the server by a signal that lets Node write the profile. */
async function end(server: Pinned): Promise<void> {
  const closed = once(server.child, 'close');
  server.child.kill('SIGINT');
  await closed;
}
