import { Audience, publishTo } from '../audience.ts';
import { BARE_WS, OURS, startNode, whileRunning } from '../contestants.ts';
import { newDatabase } from '../databases.ts';
import type { Pinned } from '../pinned.ts';
import { Notes, type Result, type Scenario } from '../result.ts';
import { atMost } from '../verdicts.ts';

const SUBSCRIBERS = 5_000;
const EVENTS = 3;
const ALONE = `${OURS}, the appends alone`;
const WITHOUT_APPENDS = `${OURS}, less the appends`;

/** Thousands of orders change, each with one subscriber. */
export const ownOrders: Scenario = async ({ rounds, say }) => {
  const notes = new Notes();
  const logged = () =>
    startNode(OURS, 'gateway-with-log', {
      LOG_DATABASE: newDatabase(),
      LOG_ORDERS: String(SUBSCRIBERS),
    });
  const starts = [() => startNode(BARE_WS, 'node-ws'), logged, logged];
  await whileRunning(starts, async ([bare, ours, alone]) => {
    if (bare === undefined || ours === undefined || alone === undefined) return;
    const audiences: Audience[] = [];
    try {
      for (const server of [bare, ours]) {
        const audience = await Audience.open(server, { subscribers: SUBSCRIBERS, own: true });
        audiences.push(audience);
        await audience.warmUp(EVENTS);
      }
      await appendCosts(alone.process);
      for (let round = 1; round <= rounds; round += 1) {
        await measureRound(audiences, alone.process, notes);
        say(
          `round ${round}: ${notes
            .lines()
            .map(({ who, values }) => `${who} ${values[METRIC]?.at(-1)?.toFixed(1)} µs`)
            .join('; ')}`,
        );
      }
    } finally {
      await Promise.all(audiences.map((audience) => audience.close()));
    }
  });
  return resultOf(notes);
};

const METRIC = 'CPU µs a message';

async function measureRound(
  audiences: readonly Audience[],
  alone: Pinned,
  notes: Notes,
): Promise<void> {
  const appends = await appendCosts(alone);
  notes.add(ALONE, { [METRIC]: appends });
  for (const audience of audiences) {
    const { cpuMicrosecondsPerMessage, p50Ms, p99Ms } = await audience.publish(EVENTS);
    const delays = { 'p50 ms': p50Ms, 'p99 ms': p99Ms };
    notes.add(audience.server.who, { [METRIC]: cpuMicrosecondsPerMessage, ...delays });
    if (audience.server.who === OURS) {
      notes.add(WITHOUT_APPENDS, { [METRIC]: cpuMicrosecondsPerMessage - appends });
    }
  }
}

/** The CPU time of one append without subscribers, in microseconds. */
async function appendCosts(server: Pinned): Promise<number> {
  const before = await server.ask({ kind: 'usage' }, 'usage');
  for (let event = 0; event < EVENTS; event += 1) await publishTo(server, SUBSCRIBERS);
  const after = await server.ask({ kind: 'usage' }, 'usage');
  return ((after.cpuMs - before.cpuMs) * 1_000) / (EVENTS * SUBSCRIBERS);
}

function resultOf(notes: Notes): Result {
  return {
    scenario: 'own-orders',
    title: `An event to ${SUBSCRIBERS.toLocaleString('en')} subscribers, each on its own order`,
    explanation: [
      `As above, ${EVENTS} events a round for each order; appended in transactions of 100, each in a turn of the event loop of`,
      'its own, as lists bring them. Bare `ws` makes the bytes anew for each order, and has no log: what the appends alone',
      'cost is measured beside it, in a process without subscribers, and taken off.',
    ],
    metrics: [
      { name: METRIC, digits: 1 },
      { name: 'p50 ms', digits: 1 },
      { name: 'p99 ms', digits: 1 },
    ],
    lines: notes.lines(),
    comparison: { metric: METRIC, with: BARE_WS },
    verdicts: [
      atMost(notes, 2.5, {
        what: 'event to 5,000 subscribers, each its own order: CPU per message less the append, of bare `ws`',
        metric: METRIC,
        who: WITHOUT_APPENDS,
        with: BARE_WS,
      }),
    ],
  };
}
