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
import { Notes, type Result, type Scenario } from '../result.ts';
import { idOf, SNAPSHOTS_EACH } from '../rows.ts';
import { atLeast, atMost } from '../verdicts.ts';
import { check } from './check.ts';

const ORDERS = 1_000;
const CPU = 'CPU µs a request';

/** A hot `topup`: 1,000 ids one after the other, all of them known to everybody. */
export const cached: Scenario = async ({ rounds, seconds, say }) => {
  const notes = new Notes();
  const ids = Array.from({ length: ORDERS }, (_, index) => idOf(index));
  await whileRunning([startUpstream], ([upstream]) =>
    whileRunning(starts(upstream?.url ?? ''), async (contestants) => {
      for (const contestant of contestants) {
        await check(contestant, ORDERS);
        await loadOn(contestant, { ids, seconds: seconds * 2 });
      }
      for (let round = 1; round <= rounds; round += 1) {
        for (const contestant of contestants) {
          const loaded = await loadOn(contestant, { ids, seconds });
          notes.add(contestant.who, {
            'requests/s': loaded.perSecond,
            'p50 ms': loaded.p50Ms,
            'p99 ms': loaded.p99Ms,
            [CPU]: loaded.cpuMicroseconds,
          });
          say(`round ${round}: ${contestant.who} ${Math.round(loaded.perSecond)}/s`);
        }
      }
    }),
  );
  return resultOf(notes);
};

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
  return {
    scenario: 'cached',
    title: 'A cached `topup`, 1,000 ids',
    explanation: [
      'The same 1,000 settled orders again and again, after a warm-up in which everybody has answered each of them.',
      'The upper bare server sends the same bytes whatever it is asked; the other one reads the body and finds the',
      'id, which is the least that a server can do. Plain Yoga has no cache: it reads its row each time.',
    ],
    metrics: [
      { name: metric, digits: 0 },
      { name: 'p50 ms', digits: 2 },
      { name: 'p99 ms', digits: 2 },
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
        what: 'cached `topup`, p99 of that of Mercurius',
        metric: 'p99 ms',
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
