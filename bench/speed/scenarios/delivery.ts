import { Audience } from '../audience.ts';
import { BARE_WS, OURS, startNode, whileRunning } from '../contestants.ts';
import { newDatabase } from '../databases.ts';
import { Notes, type Scenario } from '../result.ts';
import { below } from '../verdicts.ts';

const EVENTS = 300;

/** The delay of events, for one order with one subscriber, one event after the other. */
export const delivery: Scenario = async ({ rounds, say }) => {
  const notes = new Notes();
  const starts = [
    () => startNode(BARE_WS, 'node-ws'),
    () => startNode(OURS, 'gateway-with-log', { LOG_DATABASE: newDatabase(), LOG_ORDERS: '1' }),
  ];
  await whileRunning(starts, async (servers) => {
    const audiences: Audience[] = [];
    try {
      for (const server of servers) {
        const audience = await Audience.open(server, { subscribers: 1, own: false });
        audiences.push(audience);
        await audience.warmUp(EVENTS);
      }
      for (let round = 1; round <= rounds; round += 1) {
        for (const audience of audiences) {
          const { p50Ms, p99Ms } = await audience.publish(EVENTS);
          notes.add(audience.server.who, { 'p50 ms': p50Ms, 'p99 ms': p99Ms });
          say(`round ${round}: ${audience.server.who} p99 ${p99Ms.toFixed(2)} ms`);
        }
      }
    } finally {
      await Promise.all(audiences.map((audience) => audience.close()));
    }
  });
  return {
    scenario: 'delivery',
    title: 'From the append to the delivery, one subscriber',
    explanation: [
      `${EVENTS} events a round, each after the one before has come. From the moment before the append (which commits to disk)`,
      'to the moment at which the client, another process, has the message; both clocks are that of the machine.',
    ],
    metrics: [
      { name: 'p50 ms', digits: 2 },
      { name: 'p99 ms', digits: 2 },
    ],
    lines: notes.lines(),
    verdicts: [
      below(notes.of(OURS, 'p99 ms'), {
        what: 'snapshot append to delivery, one subscriber: p99',
        limit: 10,
        unit: 'ms',
      }),
    ],
  };
};
