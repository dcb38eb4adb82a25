/** The content of `bench/results/polling.md`. */
import { arch, cpus, platform } from 'node:os';
import { HEADER, printed, type Row } from './rows.ts';

export interface Results {
  readonly seed: number;
  readonly rows: readonly Row[];
  /** The other tables, line by line. */
  readonly tables: {
    readonly subscribed: readonly string[];
    readonly sharedKey: readonly string[];
    readonly slowUpstream: readonly string[];
  };
}

export function report({ seed, rows, tables }: Results): string {
  const machine = `${platform()} ${arch()}, ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`;
  return `${[
    '# Lag against orders in progress',
    '',
    '![Lag against orders in progress](polling.svg)',
    '',
    `Made by \`npm run bench:polling\` on ${machine}; seed ${seed}. The clock is`,
    ...EXPLANATION,
    '',
    ...HEADER,
    ...rows.map(printed),
    '',
    ...SUBSCRIBERS,
    '',
    ...tables.subscribed,
    '',
    ...SHARED_KEY,
    '',
    ...tables.sharedKey,
    '',
    ...SLOW_UPSTREAM,
    '',
    ...tables.slowUpstream,
  ].join('\n')}\n`;
}

const EXPLANATION = [
  'virtual, so the machine matters little. 120 calls a minute, 200 ms there and back. Orders come for 30 minutes as a',
  'Poisson process (40 in progress are 100 new ones a minute), for longer where 30 minutes bring fewer than 750, and get',
  '15 more to end: HANDLING for 3 to 45 s, but 2 % for 10 minutes and 3 % QUEUED (left out of the lags). Every order is',
  'watched from its creation.',
  '',
  'Before the runs, one gateway polls for an hour of other orders, ten in progress. All gateways go on with what it has',
  'noted of how long orders take, as a process goes on with the note of the one before it; except in the rows *nothing',
  'learned yet*, which begin with what OneClickDz states.',
  '',
  'Lag: from the moment the order settles at the upstream to the moment its snapshot is in the log; of orders that were',
  'finished only. Unfinished: settled at the upstream, and not seen when the run ended.',
  '',
  '(e) is the least lag that any policy can have in the long run, however clever, if it looks at an order at most once',
  'a second ([how so](../../docs/lower-bound.md)); mean and 95 % each by themselves. A run may have a few more or fewer',
  'orders than the average that it is computed for, and busy minutes: the bound *for these arrivals* is for orders that',
  'come when those of the run did, on average over their lives. The bound for blind pages holds for policies that',
  'choose pages without regard to what earlier ones showed, and see each order to its end; shown where it is above (e).',
  'The ideal cycle is simulated, and no bound: the orders of that run, lists that see everything, each followed by the',
  'calls for the cards, 118 calls a minute at even distances, and none for slow or QUEUED orders. *Late ones last*: the',
  'same calls, but a card that has already waited for six seconds waits until no other is wanted; also with three calls',
  'a minute fewer, which slow and QUEUED orders may take. Nor are the ideal rounds a bound: pages side by side, each',
  'looked at at even distances by somebody who knows how long orders take and which are slow, 118 calls a minute, and',
  'none waits for another.',
  '',
  'Where each order costs a call of its own, 120 calls serve up to 49 in progress; beyond, the lag grows without end,',
  'and says how long the run was: shown for 100, left out from there on.',
];

const SUBSCRIBERS = [
  '## With subscribers',
  '',
  'The same 100 orders in progress, list with cards, for 10 minutes. Each order is followed from its creation by 0, 1,',
  '10 or 100 subscribers, through the feed that also serves GraphQL. An order is tracked from the first subscription',
  'on; with 0 that one ends at the first snapshot, so nobody watches from then on. Then the calls are fewer, and lags',
  'may differ a little: orders that are QUEUED are asked about every 5 minutes only while somebody watches.',
];

const SHARED_KEY = [
  '## One key for polling and sending',
  '',
  'In the tables above the gateway has a key of its own. Here each order takes a call of the same key to be sent, for 30',
  'minutes. One that is refused is sent again every 5 seconds; lags include the time that sending takes. If the key can',
  'send orders and `UPSTREAM_CALLS_PER_MINUTE` is not set, the gateway leaves calls for sends, as in the rows with *yes*.',
  'With 20 in progress, 50 new ones a minute, and lists without cards, sends and cards alone take 98 of the 120 calls.',
];

const SLOW_UPSTREAM = [
  '## A slow OneClickDz',
  '',
  'In the tables above an answer takes 0.2 s. Here answers take longer, vary (the more is exponentially distributed), or',
  'do not come, in which case the call is in flight until the gateway gives it up. Orders come for 30 minutes and get 15',
  'more to end. A call counts against the key until a minute after its answer came, so of slow calls fewer than 120 fit',
  'into a minute: 114 if each takes 3 s, and 106 if it takes 8.',
];
