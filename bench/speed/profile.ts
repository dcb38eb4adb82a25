/**
 * `npm run bench:profile -- cached` or `-- fan-out`: where the time of the gateway goes, by package and by
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
const SECONDS = 8;
const SUBSCRIBERS = 2_000;
const EVENTS = 30;

endAllWithBench();
mkdirSync(DATA, { recursive: true });
const folder = mkdtempSync(join(DATA, 'profile-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const profiling = ['--cpu-prof', `--cpu-prof-dir=${folder}`];

const [what] = process.argv.slice(2);
if (what === 'cached') await profileCached();
else if (what === 'fan-out') await profileFanOut();
else throw new RangeError('say which: cached or fan-out');
for (const file of readdirSync(folder)) {
  const summary = summaryOf(JSON.parse(readFileSync(join(folder, file), 'utf8')));
  process.stdout.write(`${printed(summary).join('\n')}\n`);
}

/** The gateway as `npm start` runs it, asked for 1,000 settled orders again and again. */
async function profileCached(): Promise<void> {
  const database = newDatabase();
  await writeSettledLog(database, ORDERS * SNAPSHOTS_EACH);
  const ids = Array.from({ length: ORDERS }, (_, index) => idOf(index));
  await whileRunning([startUpstream], async ([upstream]) => {
    const start = gatewayCommand({ database, upstream: upstream?.url ?? '' });
    const [node = '', ...rest] = start.command;
    const gateway = new Pinned({ ...start, command: [node, ...profiling, ...rest] });
    await load({ url: await urlOnceUp(gateway), ids, seconds: SECONDS });
    await end(gateway);
  });
}

/** The server and the log of the `fan-out` scenario. */
async function profileFanOut(): Promise<void> {
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
    environment: { LOG_DATABASE: newDatabase(), LOG_ORDERS: '1' },
  });
  const { port } = await server.hear('listening');
  const running = { who: OURS, url: `http://127.0.0.1:${port}/graphql`, process: server };
  const audience = await Audience.open(running, { subscribers: SUBSCRIBERS, own: false });
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
