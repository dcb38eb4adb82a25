import {
  loadOn,
  type Running,
  startGateway,
  startNode,
  startUpstream,
  whileRunning,
} from '../contestants.ts';
import { MILLION, newDatabase, settledLog, writeSettledLog } from '../databases.ts';
import { STORE_OPERATIONS } from '../messages.ts';
import { type Measuring, Notes, type Result, type Scenario } from '../result.ts';
import { idOf, QUERY, SNAPSHOTS_EACH } from '../rows.ts';
import { atMost } from '../verdicts.ts';

const FEW = 1_000;
const SMALL = `${FEW.toLocaleString('en')} snapshots`;
const LARGE = `${MILLION.toLocaleString('en')} snapshots`;
const TIMES = 2_000;
/** Fewer, since each waits for the disk. */
const APPENDS = 200;

const OVER_HTTP = {
  'topup over HTTP': QUERY,
  'history page over HTTP':
    'query Page($id: ID!) { topup(id: $id) { history(first: 20) { edges { cursor node { status observedAt } } pageInfo { hasNextPage } } } }',
} as const;

/** The same work on a small log and on a large one. */
export const scale: Scenario = async (measuring) => {
  const notes = new Notes();
  const small = newDatabase();
  await writeSettledLog(small, FEW);
  const logs = [
    { who: SMALL, database: small, snapshots: FEW },
    { who: LARGE, database: await settledLog(MILLION), snapshots: MILLION },
  ];
  await timeStores(logs, measuring, notes);
  await timeGateways(logs, measuring, notes);
  return resultOf(notes);
};

interface Log {
  readonly who: string;
  readonly database: string;
  readonly snapshots: number;
}

function ordersOf({ snapshots }: Log): number {
  return snapshots / SNAPSHOTS_EACH;
}

async function timeStores(logs: readonly Log[], measuring: Measuring, notes: Notes): Promise<void> {
  const starts = logs.map(
    (log) => () =>
      startNode(log.who, 'store-timer', {
        LOG_DATABASE: log.database,
        LOG_ORDERS: String(ordersOf(log)),
      }),
  );
  await whileRunning(starts, async (timers) => {
    for (const { round, item: operation } of turns(measuring.rounds, STORE_OPERATIONS)) {
      for (const { who, process } of timers) {
        const times = operation === 'append' ? APPENDS : TIMES;
        const command = { kind: 'time', operation, times } as const;
        const { microseconds } = await process.ask(command, 'timed');
        if (round === WARM_UP) continue;
        notes.add(who, { [`${operation} µs`]: microseconds });
        measuring.say(`round ${round}: ${operation}, ${who}: ${microseconds.toFixed(1)} µs`);
      }
    }
  });
}

async function timeGateways(
  logs: readonly Log[],
  measuring: Measuring,
  notes: Notes,
): Promise<void> {
  const { rounds, seconds, say } = measuring;
  const work = async (gateways: readonly Running[]) => {
    for (const { round, item } of turns(rounds, Object.entries(OVER_HTTP))) {
      const [name, query] = item;
      for (const [index, gateway] of gateways.entries()) {
        const ids = idsOf(logs[index]);
        const time = round === WARM_UP ? seconds * 2 : seconds;
        const { perSecond } = await loadOn(gateway, { ids, seconds: time, query });
        if (round === WARM_UP) continue;
        notes.add(gateway.who, { [`${name} µs`]: 1_000_000 / perSecond });
        say(`round ${round}: ${name}, ${gateway.who}: ${Math.round(perSecond)}/s`);
      }
    }
  };
  await whileRunning([startUpstream], ([upstream]) => {
    const starts = logs.map(({ who, database }) => async (): Promise<Running> => {
      const running = await startGateway({ database, upstream: upstream?.url ?? '' });
      return { ...running, who };
    });
    return whileRunning(starts, work);
  });
}

const WARM_UP = 0;

function* turns<T>(rounds: number, items: readonly T[]): Generator<{ round: number; item: T }> {
  for (let round = WARM_UP; round <= rounds; round += 1) {
    for (const item of items) yield { round, item };
  }
}

/** As many of either log, all over it. */
function idsOf(log: Log | undefined): readonly string[] {
  if (log === undefined) return [];
  const count = FEW / SNAPSHOTS_EACH;
  const stride = ordersOf(log) / count;
  return Array.from({ length: count }, (_, index) => idOf(index * stride));
}

function resultOf(notes: Notes): Result {
  const operations = [...STORE_OPERATIONS, ...Object.keys(OVER_HTTP)];
  return {
    scenario: 'scale',
    title: 'A small log and a large one',
    explanation: [
      `Orders with ${SNAPSHOTS_EACH} snapshots each, ${SMALL} or ${LARGE}. On the store itself, without a gateway`,
      'around it: orders all over the log, in no order; an append is that of a new order, and waits for the disk. Over HTTP:',
      'as many different orders of either log, all over it; microseconds are those from one answer to the next.',
    ],
    metrics: operations.map((name) => ({ name: `${name} µs`, digits: 1 })),
    lines: notes.lines(),
    verdicts: operations.map((name) =>
      atMost(notes, 1.2, {
        what: `${name} with 1,000,000 snapshots, of its time with 1,000`,
        metric: `${name} µs`,
        who: LARGE,
        with: SMALL,
      }),
    ),
  };
}
