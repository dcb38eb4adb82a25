import { spawnSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import {
  type GatewayStart,
  gatewayCommand,
  startUpstream,
  urlOnceUp,
  whileRunning,
} from '../contestants.ts';
import { MILLION, newDatabase, settledLog, writeSettledLog } from '../databases.ts';
import { Pinned } from '../pinned.ts';
import { Notes, type Result, type Scenario } from '../result.ts';
import { idOf, QUERY } from '../rows.ts';
import { below } from '../verdicts.ts';

const FEW = 1_000;
const SMALL = 'a database of 1,000 snapshots';
const LARGE = 'a database of 1,000,000 snapshots';
/** The wait without requests before the memory is measured. */
const IDLE_MS = 3_000;

/** The time from the start of the process to the response to a first query, on an existing database. */
export const startup: Scenario = async ({ rounds, say }) => {
  const notes = new Notes();
  const small = newDatabase();
  await writeSettledLog(small, FEW);
  const large = await settledLog(MILLION);
  await whileRunning([startUpstream], async ([upstream]) => {
    for (let round = 0; round <= rounds; round += 1) {
      for (const [who, database] of [
        [SMALL, small],
        [LARGE, large],
      ] as const) {
        const values = await startOnce({ database, upstream: upstream?.url ?? '' });
        // The first round fills the compile cache, if it is empty.
        if (round === 0) continue;
        notes.add(who, values);
        say(`round ${round}: ${who} ${JSON.stringify(values)}`);
      }
    }
  });
  return resultOf(notes);
};

async function startOnce(start: GatewayStart) {
  const from = performance.now();
  const process = new Pinned(gatewayCommand(start));
  try {
    const response = await fetch(await urlOnceUp(process), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: QUERY, variables: { id: idOf(1) } }),
    });
    const { data } = Object(await response.json());
    if (data?.topup?.status !== 'FULFILLED') throw new Error('the first answer is none');
    const firstAnswerMs = performance.now() - from;
    const cpuMs = process.cpuMs();
    await pause(IDLE_MS);
    return {
      'first answer ms': firstAnswerMs,
      'CPU ms until then': cpuMs,
      'idle memory MB': residentMb(process),
    };
  } finally {
    await process.stop();
  }
}

/** Resident memory in MB, measured from outside, so that the process runs exactly as users start it. */
function residentMb({ child }: Pinned): number {
  const { stdout } = spawnSync('ps', ['-o', 'rss=', '-p', String(child.pid)], { encoding: 'utf8' });
  return (Number(stdout) * 1_024) / 1_000_000;
}

function resultOf(notes: Notes): Result {
  const times = notes.of(LARGE, 'first answer ms');
  return {
    scenario: 'startup',
    title: 'Start-up and idle memory',
    explanation: [
      'The gateway as `npm start` runs it, with a database that is there and the compile cache of an earlier start; from',
      `the start of the process to the answer of a first \`topup\` at a client that waits for the line that says it is up. Resident`,
      `memory after ${IDLE_MS / 1_000} s without a request.`,
    ],
    metrics: [
      { name: 'first answer ms', digits: 0 },
      { name: 'CPU ms until then', digits: 0 },
      { name: 'idle memory MB', digits: 0 },
    ],
    lines: notes.lines(),
    verdicts: [
      below(times, { what: 'start-up to the first answer', limit: 500, unit: 'ms' }),
      below(notes.of(LARGE, 'idle memory MB'), {
        what: 'idle memory',
        limit: 120,
        unit: 'MB',
      }),
    ],
  };
}
