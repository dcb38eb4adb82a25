import { Poller } from '../../src/poller/poller.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { noTelemetry, silentLogger } from '../support/silent.ts';
import { StillUpstream } from './still-upstream.ts';

/**
 * Run by itself, with `--expose-gc` and a database: polls its orders for two minutes of a clock of its own,
 * then writes how many bytes of heap are in use and how many calls it made.
 */
const [, , path] = process.argv;
if (path === undefined || globalThis.gc === undefined) throw new Error('no database, or no gc');

const store = await openSqliteStore({ url: `file:${path}` });
const clock = new ManualClock(Date.now());
const client = new StillUpstream(store, clock);
const poller = await Poller.open({
  store,
  client,
  apiKey: 'key',
  callsPerMinute: 120,
  clock,
  random: () => 0.5,
  logger: silentLogger,
  telemetry: noTelemetry,
});
poller.start();
await clock.advance(120_000);
// More than once: what finalisers let go is only free at the next.
for (let round = 0; round < 3; round += 1) {
  globalThis.gc();
  await new Promise<void>((resolve) => setImmediate(resolve));
}
const { heapUsed } = process.memoryUsage();
process.stdout.write(`${JSON.stringify({ heapUsed, calls: client.calls })}\n`);
poller.status();
