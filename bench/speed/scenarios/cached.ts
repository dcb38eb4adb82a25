import {
  APOLLO,
  BARE_HTTP,
  BARE_HTTP_UNREAD,
  HIVE,
  loadOn,
  MERCURIUS,
  OURS,
  OURS_WITH_TICKETS,
  type Running,
  startGateway,
  startNode,
  startTailcall,
  startUpstream,
  TAILCALL_CACHED,
  whileRunning,
  YOGA,
} from '../contestants.ts';
import { newDatabase, plainTable, writeSettledLog } from '../databases.ts';
import { type Measuring, Notes, type Result, type Scenario } from '../result.ts';
import { idOf, SNAPSHOTS_EACH } from '../rows.ts';
import { spreadOf } from '../statistics.ts';
import { atLeast, atMost } from '../verdicts.ts';
import { check } from './check.ts';

const ORDERS = 1_000;
const CPU = 'CPU µs a request';
const STEADY_P99 = 'p99 ms at one rate';
const WAITED = 'then without its core, ms a second';

/** The share of Mercurius's highest rate that is the fixed rate: it leaves each of these servers some time to spare. */
const STEADY_PART = 0.8;
const STEADY = [BARE_HTTP_UNREAD, BARE_HTTP, OURS, OURS_WITH_TICKETS, MERCURIUS];

const IDS = Array.from({ length: ORDERS }, (_, index) => idOf(index));

/** A hot `topup`: 1,000 ids one after the other, all of them in every contestant's cache or database. */
export const cached: Scenario = async (measuring) => {
  const notes = new Notes();
  await whileRunning([startUpstream], ([upstream]) =>
    whileRunning(starts(upstream?.url ?? ''), async (contestants) => {
      for (const contestant of contestants) {
        await check(contestant, ORDERS);
        await loadOn(contestant, { ids: IDS, seconds: measuring.seconds * 2 });
      }
      for (let round = 1; round <= measuring.rounds; round += 1) {
        await askAll(contestants, { ...measuring, notes, round });
      }
    }),
  );
  return resultOf(notes);
};

interface Round extends Measuring {
  readonly notes: Notes;
  readonly round: number;
}

/** Measures each contestant as fast as it answers, then some of them at the rate that follows from this. */
async function askAll(contestants: readonly Running[], round: Round): Promise<void> {
  for (const contestant of contestants) await askAsFastAsItCan(contestant, round);
  const rate = STEADY_PART * (round.notes.of(MERCURIUS, 'requests/s').at(-1) ?? Number.NaN);
  for (const contestant of contestants) {
    if (STEADY.includes(contestant.who)) await askAtOneRate(contestant, { ...round, rate });
  }
}

async function askAsFastAsItCan(
  contestant: Running,
  { notes, round, seconds, say }: Round,
): Promise<void> {
  const loaded = await loadOn(contestant, { ids: IDS, seconds });
  notes.add(contestant.who, {
    'requests/s': loaded.perSecond,
    'p50 ms': loaded.p50Ms,
    'p99 ms': loaded.p99Ms,
    [CPU]: loaded.cpuMicroseconds,
  });
  say(`round ${round}: ${contestant.who} ${Math.round(loaded.perSecond)}/s`);
}

async function askAtOneRate(
  contestant: Running,
  { notes, round, seconds, say, rate }: Round & { readonly rate: number },
): Promise<void> {
  const { p99Ms, waitedMsPerSecond } = await loadOn(contestant, { ids: IDS, seconds, rate });
  notes.add(contestant.who, { [STEADY_P99]: p99Ms, [WAITED]: waitedMsPerSecond });
  say(`round ${round}: ${contestant.who} p99 ${p99Ms.toFixed(2)} ms at ${Math.round(rate)}/s`);
}

function starts(upstream: string): readonly (() => Promise<Running | undefined>)[] {
  const environment = { UPSTREAM_URL: upstream };
  const gateway = async (withTickets: boolean) => {
    const database = newDatabase();
    await writeSettledLog(database, ORDERS * SNAPSHOTS_EACH);
    return startGateway({ database, upstream, withTickets });
  };
  return [
    () => startNode(BARE_HTTP_UNREAD, 'node-http-unread'),
    () => startNode(BARE_HTTP, 'node-http'),
    () => startTailcall(upstream),
    () => gateway(false),
    () => gateway(true),
    () => startNode(MERCURIUS, 'mercurius', environment),
    async () => startNode(YOGA, 'yoga', { PLAIN_DATABASE: await plainTable(ORDERS) }),
    () => startNode(APOLLO, 'apollo', environment),
    () => startNode(HIVE, 'hive', environment),
  ];
}

function resultOf(notes: Notes): Result {
  const metric = 'requests/s';
  const rate = STEADY_PART * spreadOf(notes.of(MERCURIUS, metric)).median;
  return {
    scenario: 'cached',
    title: 'A cached `topup`, 1,000 ids',
    explanation: [
      'The same 1,000 settled orders again and again, after a warm-up in which everybody has answered each of them.',
      'The upper bare server sends the same bytes whatever it is asked; the other one reads the body and finds the',
      'id, which is the least that a server can do. Plain Yoga has no cache: it reads its row each time.',
      'Its p99 as fast as it answers tells how long the queue of a server is that has more to do than it can. The p99 at one',
      `rate is that of servers with time to spare: ${STEADY_PART * 100} % of what Mercurius answered in the same round (here`,
      `${Math.round(rate).toLocaleString('en')} a second, the median), from the moment at which a request is due, by a client of our own.`,
      'The column behind it tells for how long a server could have run then and did not, as its core was taken by others on',
      'this machine: where that is more than a few milliseconds, it is the machine that makes the p99.',
    ],
    metrics: [
      { name: metric, digits: 0 },
      { name: 'p50 ms', digits: 2 },
      { name: 'p99 ms', digits: 2 },
      { name: STEADY_P99, digits: 2 },
      { name: WAITED, digits: 0 },
      { name: CPU, digits: 1 },
    ],
    lines: notes.lines(),
    comparison: { metric, with: BARE_HTTP_UNREAD },
    verdicts: [
      atLeast(notes, 1, {
        what: 'cached `topup`, requests/s of Tailcall’s',
        metric,
        who: OURS,
        with: TAILCALL_CACHED,
      }),
      atLeast(notes, 0.75, {
        what: 'cached `topup`, requests/s of bare `node:http` that reads nothing',
        metric,
        who: OURS,
        with: BARE_HTTP_UNREAD,
      }),
      atMost(notes, 1, {
        what: 'cached `topup`, p99 of that of Mercurius, each as fast as it answers',
        metric: 'p99 ms',
        who: OURS,
        with: MERCURIUS,
      }),
      atMost(notes, 1, {
        what: `cached \`topup\`, p99 of that of Mercurius, both at ${STEADY_PART * 100} % of its rate`,
        metric: STEADY_P99,
        who: OURS,
        with: MERCURIUS,
      }),
      atLeast(notes, 0.9, {
        what: 'the same with tickets on, requests/s of those without',
        metric,
        who: OURS_WITH_TICKETS,
        with: OURS,
      }),
    ],
  };
}
