/**
 * `npm run bench:profile -- cached`, `-- uncached`, `-- fan-out` or `-- own-orders`: where the time of the gateway goes, by package and by
 * function, as `--cpu-prof` of Node tells it.
 */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Audience } from './audience.ts';
import { gatewayCommand, OURS, startUpstream, urlOnceUp, whileRunning } from './contestants.ts';
import { newDatabase, writeSettledLog } from './databases.ts';
import { load } from './load.ts';
import { contestantFile, DATA, LEAVE_ON_SIGNAL, PROBE } from './paths.ts';
import { endAllWithBench, Pinned, SERVER_CORE } from './pinned.ts';
import { printed, summaryOf } from './profile-summary.ts';
import { idOf, SNAPSHOTS_EACH } from './rows.ts';

const ORDERS = 1_000;
/** More than are asked for in the time, so that no answer was given before. */
const MANY_ORDERS = 60_000;
const SECONDS = 8;
const SUBSCRIBERS = 2_000;
const EVENTS = 30;

endAllWithBench();
mkdirSync(DATA, { recursive: true });
const folder = mkdtempSync(join(DATA, 'profile-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const profiling = ['--cpu-prof', `--cpu-prof-dir=${folder}`];

const [what] = process.argv.slice(2);
if (what === 'cached') await profileQueries(ORDERS);
else if (what === 'uncached') await profileQueries(MANY_ORDERS);
else if (what === 'fan-out') await profileEvents({ own: false });
else if (what === 'own-orders') await profileEvents({ own: true });
else throw new RangeError('say which: cached, uncached, fan-out or own-orders');
for (const file of readdirSync(folder)) {
  const summary = summaryOf(JSON.parse(readFileSync(join(folder, file), 'utf8')));
  process.stdout.write(`${printed(summary).join('\n')}\n`);
}

/** The gateway as `npm start` runs it, asked for settled orders one after the other. */
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

/** The server and the log of the scenario. */
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

/** In order, since Node writes the profile as it leaves. */
async function end(server: Pinned): Promise<void> {
  const closed = once(server.child, 'close');
  server.child.kill('SIGINT');
  await closed;
}
