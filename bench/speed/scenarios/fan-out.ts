import { Audience, type AudienceOptions } from '../audience.ts';
import {
  BARE_STREAM,
  BARE_WS,
  MERCURIUS,
  OURS,
  type Running,
  startNode,
  whileRunning,
  YOGA,
} from '../contestants.ts';
import { newDatabase, plainTable } from '../databases.ts';
import { Notes, type Result, type Scenario } from '../result.ts';
import { atMost } from '../verdicts.ts';

const SUBSCRIBERS = 5_000;
const EVENTS = 10;

const STREAMS = `${OURS}, over server-sent events`;
const SOCKET: AudienceOptions = { subscribers: SUBSCRIBERS, own: false };
const STREAM: AudienceOptions = { ...SOCKET, over: 'server-sent events' };
const STREAMED: readonly string[] = [BARE_STREAM, STREAMS];

/** One order changes, and thousands of subscribers follow it. */
export const fanOut: Scenario = async ({ rounds, say }) => {
  const notes = new Notes();
  await whileRunning(starts(), async (servers) => {
    const audiences: Audience[] = [];
    try {
      for (const server of servers) {
        const options = STREAMED.includes(server.who) ? STREAM : SOCKET;
        const audience = await Audience.open(server, options);
        audiences.push(audience);
        await audience.warmUp(EVENTS);
      }
      for (let round = 1; round <= rounds; round += 1) {
        for (const audience of audiences) {
          const { cpuMicrosecondsPerMessage, p50Ms, p99Ms } = await audience.publish(EVENTS);
          notes.add(audience.server.who, {
            'CPU µs a message': cpuMicrosecondsPerMessage,
            'p50 ms': p50Ms,
            'p99 ms': p99Ms,
          });
          say(
            `round ${round}: ${audience.server.who} ${cpuMicrosecondsPerMessage.toFixed(1)} µs, p99 ${p99Ms.toFixed(0)} ms`,
          );
        }
      }
    } finally {
      await Promise.all(audiences.map((audience) => audience.close()));
    }
  });
  return resultOf(notes);
};

function starts(): readonly (() => Promise<Running>)[] {
  return [
    () => startNode(BARE_WS, 'node-ws'),
    () => gatewayAs(OURS),
    () => startNode(MERCURIUS, 'mercurius'),
    async () => startNode(YOGA, 'yoga', { PLAIN_DATABASE: await plainTable(1) }),
    () => startNode(BARE_STREAM, 'node-event-stream'),
    () => gatewayAs(STREAMS),
  ];
}

function gatewayAs(who: string): Promise<Running> {
  return startNode(who, 'gateway-with-log', { LOG_DATABASE: newDatabase(), LOG_ORDERS: '1' });
}

function resultOf(notes: Notes): Result {
  const metric = 'CPU µs a message';
  return {
    scenario: 'fan-out',
    title: `An event to ${SUBSCRIBERS.toLocaleString('en')} subscribers of one order`,
    explanation: [
      `Over WebSocket, unless it says otherwise, ${EVENTS} events a round, each once all have had the one before. CPU time of the`,
      "whole server process; the delay is from the moment before the append or the publication until the client has the message. The gateway's own",
      'server, feed and store, on a log that the bench appends to instead of the poller, so its commit is within both. Bare',
      '`ws` makes the payload once, and of each message what comes before it: no two clients have the same id.',
    ],
    metrics: [
      { name: metric, digits: 1 },
      { name: 'p50 ms', digits: 1 },
      { name: 'p99 ms', digits: 1 },
    ],
    lines: notes.lines(),
    comparison: { metric, with: BARE_WS },
    verdicts: [
      atMost(notes, 1.5, {
        what: 'event to 5,000 subscribers of one order: CPU per message, of bare `ws`',
        metric,
        who: OURS,
        with: BARE_WS,
      }),
      atMost(notes, 0.5, {
        what: 'its p99 delivery, of that of Mercurius',
        metric: 'p99 ms',
        who: OURS,
        with: MERCURIUS,
      }),
      atMost(notes, 1.5, {
        what: 'the same over server-sent events: CPU per message, of bare `node:http`',
        metric,
        who: STREAMS,
        with: BARE_STREAM,
      }),
    ],
  };
}
