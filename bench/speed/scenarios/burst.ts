import {
  HIVE,
  MERCURIUS,
  OURS,
  type Running,
  startGateway,
  startNode,
  startTailcall,
  startUpstream,
  whileRunning,
} from '../contestants.ts';
import { newDatabase } from '../databases.ts';
import { BURST } from '../paths.ts';
import { CLIENT_CORE, Pinned } from '../pinned.ts';
import { Notes, type Result, type Scenario } from '../result.ts';
import { idOf } from '../rows.ts';
import { spreadOf } from '../statistics.ts';
import { below } from '../verdicts.ts';

const QUERIES = 10_000;
const DELAY_MS = 300;
/** An index beyond all orders that any log contains. */
const FIRST_COLD = 5_000_000;

/** Thousands of simultaneous queries for one order that no log contains, with a slow upstream. */
export const burst: Scenario = async ({ rounds, say }) => {
  const notes = new Notes();
  await whileRunning([startUpstream], async ([upstream]) => {
    if (upstream === undefined) return;
    await upstream.process.ask({ kind: 'delay', delayMs: DELAY_MS }, 'done');
    await whileRunning(starts(upstream.url), async (contestants) => {
      for (let round = 0; round <= rounds; round += 1) {
        for (const contestant of contestants) {
          const values = await ask(contestant, upstream, idOf(FIRST_COLD + round));
          // The first round is the warm-up.
          if (round === 0) continue;
          notes.add(contestant.who, values);
          say(`round ${round}: ${contestant.who} ${JSON.stringify(values)}`);
        }
      }
    });
  });
  return resultOf(notes);
};

function starts(upstream: string): readonly (() => Promise<Running | undefined>)[] {
  const environment = { UPSTREAM_URL: upstream };
  return [
    () => startGateway({ database: newDatabase(), upstream }),
    () => startTailcall(upstream),
    () => startNode(MERCURIUS, 'mercurius', environment),
    () => startNode(HIVE, 'hive', environment),
  ];
}

async function ask({ url }: Running, upstream: Running, id: string) {
  const before = await upstream.process.ask({ kind: 'calls' }, 'calls');
  const client = new Pinned({ core: CLIENT_CORE, command: [process.execPath, BURST] });
  try {
    const command = { kind: 'ask at once', url, times: QUERIES, id } as const;
    const { lastMs, answered } = await client.ask(command, 'asked');
    const after = await upstream.process.ask({ kind: 'calls' }, 'calls');
    return {
      'upstream calls': after.calls - before.calls,
      'all answered after ms': lastMs,
      'answered well': answered,
    };
  } finally {
    await client.stop();
  }
}

function resultOf(notes: Notes): Result {
  const calls = spreadOf(notes.of(OURS, 'upstream calls'));
  const answered = spreadOf(notes.of(OURS, 'answered well'));
  return {
    scenario: 'burst',
    title: `${QUERIES.toLocaleString('en')} queries at once for one cold id, upstream ${DELAY_MS} ms`,
    explanation: [
      'Each query on a connection of its own, opened before; time from the first query to the last answer. After a warm-up',
      'with another id. Calls are those that ask for an order; the lists by which the gateway keeps others fresh are none.',
    ],
    metrics: [
      { name: 'upstream calls', digits: 0 },
      { name: 'all answered after ms', digits: 0 },
      { name: 'answered well', digits: 0 },
    ],
    lines: notes.lines(),
    verdicts: [
      {
        what: '10,000 queries at once for one cold id: upstream calls',
        must: '1',
        is: `${calls.median} (${calls.least} to ${calls.most})`,
        isReached: calls.most === 1 && answered.least === QUERIES,
      },
      below(notes.of(OURS, 'all answered after ms'), {
        what: 'and all answered',
        limit: 1_500,
        unit: 'ms',
      }),
    ],
  };
}
