import { setTimeout as pause } from 'node:timers/promises';
import { Audience, type AudienceOptions } from '../audience.ts';
import {
  BARE_STREAM,
  BARE_WS,
  OURS,
  type Running,
  startGateway,
  startNode,
  startUpstream,
  whileRunning,
  YOGA,
} from '../contestants.ts';
import { parkedLog, plainTable } from '../databases.ts';
import { Notes, type Result, type Scenario } from '../result.ts';
import { atMost } from '../verdicts.ts';

const SUBSCRIBERS = 10_000;
/** The wait between the last subscription and the measurement of memory. */
const SETTLING_MS = 3_000;

const USAGE = { kind: 'usage', afterCollection: true } as const;

const METRIC = 'kB a subscriber';
const OWN = `${OURS}, each its own order`;
const STREAMS = `${OURS}, over server-sent events`;
const YOGA_STREAMS = `${YOGA}, over server-sent events`;
const BARE_OWN = `${BARE_WS}, each its own order`;

const ONE: AudienceOptions = { subscribers: SUBSCRIBERS, own: false };
const EACH: AudienceOptions = { subscribers: SUBSCRIBERS, own: true };
const STREAM: AudienceOptions = { ...ONE, over: 'server-sent events' };

/** The memory of thousands of subscribers that wait for parked orders. */
export const idle: Scenario = async ({ rounds, say }) => {
  const notes = new Notes();
  await whileRunning([startUpstream], async ([upstream]) => {
    const bare = () => startNode(BARE_WS, 'node-ws');
    const bareStream = () => startNode(BARE_STREAM, 'node-event-stream');
    const yoga = async () => startNode(YOGA, 'yoga', { PLAIN_DATABASE: await plainTable(1) });
    const gateway = async () => {
      const database = await parkedLog(SUBSCRIBERS);
      return startGateway({ database, upstream: upstream?.url ?? '' });
    };
    for (let round = 1; round <= rounds; round += 1) {
      notes.add(BARE_WS, { [METRIC]: await memoryOf(bare, ONE) });
      notes.add(OURS, { [METRIC]: await memoryOf(gateway, ONE) });
      notes.add(BARE_OWN, { [METRIC]: await memoryOf(bare, EACH) });
      notes.add(OWN, { [METRIC]: await memoryOf(gateway, EACH) });
      notes.add(BARE_STREAM, { [METRIC]: await memoryOf(bareStream, STREAM) });
      notes.add(STREAMS, { [METRIC]: await memoryOf(gateway, STREAM) });
      notes.add(YOGA_STREAMS, { [METRIC]: await memoryOf(yoga, STREAM) });
      say(
        `round ${round}: ${notes
          .lines()
          .map(({ who, values }) => `${who} ${values[METRIC]?.at(-1)?.toFixed(1)} kB`)
          .join('; ')}`,
      );
    }
  });
  return resultOf(notes);
};

function memoryOf(start: () => Promise<Running>, audienceOf: AudienceOptions): Promise<number> {
  return whileRunning([start], async ([server]) => {
    if (server === undefined) return Number.NaN;
    const before = await server.process.ask(USAGE, 'usage');
    const audience = await Audience.open(server, audienceOf);
    try {
      await pause(SETTLING_MS);
      const after = await server.process.ask(USAGE, 'usage');
      return (after.rssBytes - before.rssBytes) / SUBSCRIBERS / 1_000;
    } finally {
      await audience.close();
    }
  });
}

function resultOf(notes: Notes): Result {
  return {
    scenario: 'idle',
    title: `Memory of an idle subscriber, ${SUBSCRIBERS.toLocaleString('en')} of them`,
    explanation: [
      'What the resident memory of the whole process grows by with so many sockets, or event streams, each with one subscription to a parked',
      `order; after ${SETTLING_MS / 1_000} s and a collection of garbage, which was made before, too. The gateway as \`npm start\` runs it. Needs`,
      'as many open files (`ulimit -n`).',
    ],
    metrics: [{ name: METRIC, digits: 1 }],
    lines: notes.lines(),
    comparison: { metric: METRIC, with: BARE_WS },
    verdicts: [
      atMost(notes, 1.4, {
        what: 'memory per idle subscriber of one order, of bare `ws`',
        metric: METRIC,
        who: OURS,
        with: BARE_WS,
      }),
      atMost(notes, 1.4, {
        what: 'memory per idle subscriber, each its own order, of bare `ws`',
        metric: METRIC,
        who: OWN,
        with: BARE_OWN,
      }),
      atMost(notes, 1.4, {
        what: 'memory per idle event stream of one order, of bare `node:http`',
        metric: METRIC,
        who: STREAMS,
        with: BARE_STREAM,
      }),
    ],
  };
}
