/** What subscribers cost: the same orders, each followed through the feed by no, one or many subscribers. */
import { createFeed } from '../../src/feed/feed.ts';
import { noTelemetry } from '../../test/support/silent.ts';
import { type Measured, meanSeconds, percentileSeconds } from './measure.ts';
import { type Gateway, type Run, runGateway } from './run-gateway.ts';

export const ORDERS_IN_PROGRESS = 100;

/** Followers per order: with a hundred orders in progress, 0, 100, 1,000 and 10,000 subscribers at a time. */
const FOLLOWERS = [0, 1, 10, 100];

export const SUBSCRIBER_HEADER = [
  '| Subscribers at a time | Calls | Mean lag, s | 95 % lag, s | Events handed out |',
  '|---:|---:|---:|---:|---:|',
];

/** A row for each number of subscribers; the runs are the same otherwise. */
export async function* subscriberRows(newRun: () => Run): AsyncGenerator<string> {
  for (const followers of FOLLOWERS) {
    let events = 0;
    const result = await runGateway(newRun(), 'with cards', (gateway, id) => {
      follow(gateway, { id, followers, onEvent: () => (events += 1) });
    });
    yield row(followers * ORDERS_IN_PROGRESS, events, result);
  }
}

function row(subscribers: number, events: number, { calls, lagsMs }: Measured): string {
  const cells = [
    subscribers.toLocaleString('en'),
    calls.toLocaleString('en'),
    meanSeconds(lagsMs).toFixed(2),
    percentileSeconds(lagsMs, 0.95).toFixed(2),
    events.toLocaleString('en'),
  ];
  return `| ${cells.join(' | ')} |`;
}

interface Following {
  readonly id: string;
  readonly followers: number;
  readonly onEvent: () => void;
}

function follow(gateway: Gateway, { id, followers, onEvent }: Following): void {
  const { store, poller, clock } = gateway;
  const feed = createFeed({ log: store, watch: poller, clock, telemetry: noTelemetry });
  // An order is tracked once it is first asked for. So without followers, one subscriber leaves at the first event.
  const isPassing = followers === 0;
  for (let n = 0; n < Math.max(1, followers); n += 1) {
    readAll(feed.follow(id), isPassing, onEvent).catch(() => undefined);
  }
}

async function readAll(
  events: AsyncIterable<unknown>,
  isPassing: boolean,
  onEvent: () => void,
): Promise<void> {
  for await (const _ of events) {
    onEvent();
    if (isPassing) return;
  }
}
