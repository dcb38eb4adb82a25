import {
  loadOn,
  OURS,
  startGateway,
  startNode,
  startUpstream,
  whileRunning,
  YOGA,
} from '../contestants.ts';
import { plainTable, settledRows } from '../databases.ts';
import { Notes, type Scenario } from '../result.ts';
import { idOf } from '../rows.ts';
import { atLeast } from '../verdicts.ts';
import { check } from './check.ts';

const CPU = 'CPU µs a request';
/** Node needs some ten thousand requests before it runs this path at full speed. */
const WARM_UP_ROUNDS = 4;
/** The number of orders in either database. `npm run bench:store` measures what a larger log costs. */
const ORDERS = 250_000;

/** As far as the orders last, none is queried twice in a run, so that no response can come from a cache. */
export const uncached: Scenario = async ({ rounds, seconds, say }) => {
  const notes = new Notes();
  const each = Math.floor(ORDERS / (rounds + WARM_UP_ROUNDS));
  const database = await settledRows(ORDERS);
  const plain = await plainTable(ORDERS);
  await whileRunning([startUpstream], ([upstream]) =>
    whileRunning(
      [
        () => startGateway({ database, upstream: upstream?.url ?? '' }),
        () => startNode(YOGA, 'yoga', { PLAIN_DATABASE: plain }),
      ],
      async (contestants) => {
        for (const contestant of contestants) {
          await check(contestant, ORDERS);
          const ids = idsFrom(0, each * WARM_UP_ROUNDS);
          await loadOn(contestant, { ids, seconds: seconds * WARM_UP_ROUNDS });
        }
        for (let round = 1; round <= rounds; round += 1) {
          const ids = idsFrom((round - 1 + WARM_UP_ROUNDS) * each, each);
          for (const contestant of contestants) {
            const { perSecond, p99Ms, cpuMicroseconds } = await loadOn(contestant, {
              ids,
              seconds,
            });
            const repeated = Math.max(0, perSecond * seconds - each) / (perSecond * seconds);
            notes.add(contestant.who, {
              'requests/s': perSecond,
              'p99 ms': p99Ms,
              [CPU]: cpuMicroseconds,
              'asked again %': repeated * 100,
            });
            say(`round ${round}: ${contestant.who} ${Math.round(perSecond)}/s`);
          }
        }
      },
    ),
  );
  const metric = 'requests/s';
  return {
    scenario: 'uncached',
    title: 'An uncached `topup`: each answer different',
    explanation: [
      `Settled orders out of ${ORDERS.toLocaleString('en')}, a row each, the same document, and no order twice in the`,
      'whole run as long as there are enough (the last column tells how many requests came after that). Plain Yoga reads',
      'the same rows out of a table with nothing but the latest state, card codes in plain text.',
    ],
    metrics: [
      { name: metric, digits: 0 },
      { name: 'p99 ms', digits: 2 },
      { name: CPU, digits: 1 },
      { name: 'asked again %', digits: 0 },
    ],
    lines: notes.lines(),
    comparison: { metric, with: YOGA },
    verdicts: [
      atLeast(notes, 1.5, {
        what: 'uncached `topup`, requests/s of plain Yoga',
        metric,
        who: OURS,
        with: YOGA,
      }),
    ],
  };
};

function idsFrom(from: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => idOf(from + index));
}
