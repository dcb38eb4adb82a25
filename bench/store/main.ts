/**
 * `npm run bench:store`: what a read or write costs with a thousand and with a million snapshots in the log, on the
 * store itself and as part of a client's operation. Measures CPU time, which stays stable on a busy machine.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machine } from '../speed/machine.ts';
import { DATA, RESULTS } from '../speed/paths.ts';
import { endAllWithBench } from '../speed/pinned.ts';
import { fill } from './fill.ts';
import { onTheStore, TURNS as STORE_TURNS } from './on-the-store.ts';
import { HEAD } from './rounds.ts';
import { TURNS as WHOLE_TURNS, wholeOperations } from './whole-operations.ts';

const SMALL = 1_000;
const LARGE = 1_000_000;

endAllWithBench();
mkdirSync(DATA, { recursive: true });
const folder = mkdtempSync(join(tmpdir(), 'topup-gateway-bench-'));
process.once('exit', () => rmSync(folder, { recursive: true }));

const logs = {
  small: await fill(join(folder, 'small.db'), SMALL),
  large: await fill(join(folder, 'large.db'), LARGE),
};
const store = await onTheStore(logs);
const whole = await wholeOperations(logs);

const text = `# One question, with a thousand and with a million snapshots

\`npm run bench:store\`, on ${machine()}. Both logs by turns; medians of all rounds.

## As a client has it

CPU time of the whole process of a gateway, as \`npm start\` runs it, for one operation over HTTP or a WebSocket that is
open: ${WHOLE_TURNS.rounds} rounds. Any of all orders, at random; every request is another text, so that none is answered
with what was answered before. The last row is a server on a log that the bench writes instead of the poller.

${[...HEAD, ...whole].join('\n')}

## On the store itself

CPU time of the thread that asks, without GraphQL around it: ${STORE_TURNS.rounds} rounds. Where any of all orders is asked
for, most of a large log is nowhere near the processor; where it is any of as many as the small log has, all of either is.

${[...HEAD, ...store].join('\n')}
`;
process.stdout.write(text);
writeFileSync(join(RESULTS, 'store.md'), text);
