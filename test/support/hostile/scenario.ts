import fc from 'fast-check';
import type { FaultName } from '../../../src/simulator/faults.ts';
import {
  fulfilledAfter,
  type Plan,
  queuedThenFulfilled,
  REFUND_MESSAGE,
  refundedAfter,
  scripted,
  unnamedThenFulfilled,
} from '../../../src/simulator/life.ts';

/** How long the upstream is hostile. A calm follows, in which the gateway must make up for everything. */
export const HOSTILE_MS = 150_000;
const CALM_SENDS_MS = 90_000;

/** A script of the hostile time. All times are milliseconds from its start. */
export interface Scenario {
  /** The seed of latencies, jitter, ids and cards. */
  readonly seed: number;
  readonly callsPerMinute: number;
  readonly timeoutMs: number;
  readonly store: 'memory' | 'sqlite';
  /** What lists show of the cards, all the time. */
  readonly listedCards: 'whole' | 'in part' | 'none';
  readonly rowsName: 'topups' | 'items';
  readonly orders: readonly ScenarioOrder[];
  readonly lookups: readonly ScenarioLookup[];
  readonly faults: readonly ScenarioFault[];
  readonly restarts: readonly ScenarioRestart[];
}

export interface ScenarioOrder {
  /** Whether the order is sent in the calm; `sentAtMs` then counts from the calm's start. */
  readonly isLate: boolean;
  readonly sentAtMs: number;
  readonly life: Life;
  /** How the gateway learns of the order. */
  readonly found: 'watched' | 'looked up';
  /** How long the order is watched at most, if `found` is `watched`. */
  readonly watchedForMs: number;
}

export interface Life {
  readonly kind: 'fulfilled' | 'refunded' | 'queued' | 'queued then refunded' | 'unnamed';
  readonly ms: number;
}

export interface ScenarioLookup {
  readonly atMs: number;
  /** Which order; `null` for an id that the upstream does not know. */
  readonly order: number | null;
  readonly maxAgeMs: number | undefined;
}

const LIST_LIES = [
  'missing rows',
  'stale rows',
  'no cards',
  'another shape',
  'other ids',
  'empty',
  'full of others',
] as const;
export type ListLie = (typeof LIST_LIES)[number];

type HostileFault = FaultName | ListLie;

export interface ScenarioFault {
  readonly fault: HostileFault;
  readonly operation: 'check-id' | 'list' | 'all';
  readonly fromMs: number;
  readonly forMs: number;
  /** The fault affects one call in this many. */
  readonly oneIn: number;
  /** For a 429, a 503 and a slow answer: the longest wait, drawn at random for each. For stale rows: their lag. */
  readonly seconds: number;
}

export interface ScenarioRestart {
  readonly atMs: number;
  readonly how: 'stop' | 'crash';
  readonly downMs: number;
}

/** The steps that an order takes, and when and how it settles. */
export function planOfLife({ kind, ms }: Life): {
  readonly plan: Plan;
  readonly endsAfterMs: number;
  readonly status: 'FULFILLED' | 'REFUNDED';
} {
  const queuedMs = 4 * ms;
  switch (kind) {
    case 'fulfilled':
      return { plan: fulfilledAfter(ms), endsAfterMs: ms, status: 'FULFILLED' };
    case 'refunded':
      return { plan: refundedAfter(ms), endsAfterMs: ms, status: 'REFUNDED' };
    case 'unnamed':
      return { plan: unnamedThenFulfilled(ms), endsAfterMs: ms, status: 'FULFILLED' };
    case 'queued':
      return {
        plan: queuedThenFulfilled(ms, queuedMs),
        endsAfterMs: queuedMs + ms,
        status: 'FULFILLED',
      };
    case 'queued then refunded':
      return {
        plan: scripted([
          { afterMs: 0, status: 'HANDLING' },
          { afterMs: ms, status: 'QUEUED' },
          { afterMs: queuedMs, status: 'HANDLING' },
          { afterMs: queuedMs + ms, status: 'REFUNDED', refundMessage: REFUND_MESSAGE },
        ]),
        endsAfterMs: queuedMs + ms,
        status: 'REFUNDED',
      };
  }
}

const life: fc.Arbitrary<Life> = fc.record({
  kind: fc.constantFrom(
    'fulfilled' as const,
    'fulfilled' as const,
    'refunded' as const,
    'unnamed' as const,
    'queued' as const,
    'queued then refunded' as const,
  ),
  ms: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 3_000, max: 45_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 45_000, max: 900_000 }) },
  ),
});

function order(isLate: boolean): fc.Arbitrary<ScenarioOrder> {
  return fc.record({
    isLate: fc.constant(isLate),
    sentAtMs: fc.integer({ min: 0, max: isLate ? CALM_SENDS_MS : HOSTILE_MS - 20_000 }),
    life,
    found: fc.constantFrom('watched' as const, 'watched' as const, 'looked up' as const),
    watchedForMs: fc.oneof(
      fc.constant(24 * 3_600_000),
      fc.integer({ min: 100, max: 2 * HOSTILE_MS }),
    ),
  });
}

/** A rush: many orders within seconds, as a shop with a queue sends them. */
const rush: fc.Arbitrary<readonly ScenarioOrder[]> = fc
  .tuple(fc.nat(HOSTILE_MS - 30_000), fc.array(order(false), { minLength: 8, maxLength: 24 }))
  .map(([from, orders]) =>
    orders.map((each) => ({ ...each, sentAtMs: from + (each.sentAtMs % 8_000) })),
  );

const FAULTS: readonly FaultName[] = [
  'hang',
  'hangBody',
  'slow',
  'connectionReset',
  'truncated',
  'html',
  'htmlOk',
  'routerMiss',
  'throttled',
  'throttledBare',
  'badRequest',
  'notFound',
  'serverError',
  'unavailable',
  'authUnavailable',
  'otherId',
  'type4GLTE',
  'unknownStatus',
  'noData',
];

const when = {
  fromMs: fc.integer({ min: 0, max: HOSTILE_MS - 5_000 }),
  forMs: fc.oneof(fc.integer({ min: 100, max: 10_000 }), fc.integer({ min: 100, max: 90_000 })),
  oneIn: fc.integer({ min: 1, max: 4 }),
};

const anyFault: fc.Arbitrary<ScenarioFault> = fc.record({
  fault: fc.constantFrom(...FAULTS),
  operation: fc.constantFrom('check-id' as const, 'list' as const, 'all' as const),
  seconds: fc.integer({ min: 0, max: 60 }),
  ...when,
});
const slowDown: fc.Arbitrary<ScenarioFault> = fc.record({
  fault: fc.constantFrom('throttled' as const, 'throttled' as const, 'throttledBare' as const),
  operation: fc.constant('all' as const),
  seconds: fc.integer({ min: 0, max: 90 }),
  ...when,
});
const refusal: fc.Arbitrary<ScenarioFault> = fc.record({
  fault: fc.constantFrom('unauthorized' as const, 'forbidden' as const),
  operation: fc.constantFrom('check-id' as const, 'list' as const, 'all' as const),
  seconds: fc.constant(0),
  ...when,
});
const lie: fc.Arbitrary<ScenarioFault> = fc.record({
  fault: fc.constantFrom<HostileFault>(...LIST_LIES, 'missingFields', 'nullFields', 'items'),
  operation: fc.constant('list' as const),
  seconds: fc.integer({ min: 1, max: 90 }),
  ...when,
});

const lookup: fc.Arbitrary<ScenarioLookup> = fc.record({
  atMs: fc.integer({ min: 0, max: HOSTILE_MS + CALM_SENDS_MS }),
  order: fc.option(fc.nat(40), { freq: 5 }),
  maxAgeMs: fc.constantFrom(0, 0, undefined, 60_000),
});

const restart: fc.Arbitrary<ScenarioRestart> = fc.record({
  atMs: fc.integer({ min: 100, max: HOSTILE_MS + 60_000 }),
  how: fc.constantFrom('stop' as const, 'crash' as const),
  downMs: fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 1, max: 40_000 })),
});

/** A process that crashes soon after each start and is started again at once. */
export const crashLoops: fc.Arbitrary<readonly ScenarioRestart[]> = fc
  .record({
    fromMs: fc.integer({ min: 30_000, max: HOSTILE_MS - 40_000 }),
    times: fc.integer({ min: 3, max: 12 }),
    apartMs: fc.integer({ min: 300, max: 4_000 }),
  })
  .map(({ fromMs, times, apartMs }) =>
    Array.from({ length: times }, (_, n) => ({
      atMs: fromMs + n * apartMs,
      how: 'crash' as const,
      downMs: 1,
    })),
  );

/** At most four restarts, each at any time. */
const restartsNowAndThen: RestartsArbitrary = fc.array(restart, { maxLength: 4 });

type RestartsArbitrary = fc.Arbitrary<readonly ScenarioRestart[]>;

/** Arbitrary scenarios. A failing one is printed as a readable script. */
export function scenarios(
  restarts: RestartsArbitrary = restartsNowAndThen,
): fc.Arbitrary<Scenario> {
  return fc
    .record({
      seed: fc.nat(1_000_000),
      callsPerMinute: fc.constantFrom(120, 60, 30, 12),
      timeoutMs: fc.constantFrom(15_000, 4_000),
      store: fc.constantFrom('memory' as const, 'sqlite' as const),
      listedCards: fc.constantFrom('whole' as const, 'in part' as const, 'none' as const),
      rowsName: fc.constantFrom('topups' as const, 'items' as const),
      early: fc.array(order(false), { minLength: 1, maxLength: 8 }),
      rush: fc.option(rush, { freq: 3 }),
      late: fc.array(order(true), { maxLength: 8 }),
      lookups: fc.array(lookup, { maxLength: 10 }),
      faults: fc
        .tuple(
          fc.array(anyFault, { maxLength: 5 }),
          fc.array(slowDown, { maxLength: 2 }),
          fc.array(lie, { maxLength: 3 }),
          fc.option(refusal, { freq: 5 }),
        )
        .map(([some, slow, lies, refused]) => [
          ...some,
          ...slow,
          ...lies,
          ...(refused === null ? [] : [refused]),
        ]),
      restarts,
    })
    .map(({ early, rush: together, late, faults, ...rest }) =>
      printable({
        ...rest,
        orders: [...early, ...(together ?? []), ...late],
        faults: faults.map(endInTime),
      }),
    );
}

function endInTime(fault: ScenarioFault): ScenarioFault {
  return { ...fault, forMs: Math.min(fault.forMs, HOSTILE_MS - fault.fromMs) };
}

function printable(scenario: Scenario): Scenario {
  return Object.defineProperty(scenario, fc.toStringMethod, {
    value: () => `\n${describeScenario(scenario)}\n`,
    enumerable: false,
  });
}

/** A scenario as a script, in chronological order. */
function describeScenario(scenario: Scenario): string {
  const { seed, callsPerMinute, timeoutMs, store, listedCards, rowsName } = scenario;
  const list = `lists show cards: ${listedCards}, rows in "${rowsName}"`;
  const head = `seed ${seed}, ${callsPerMinute} calls a minute, time-out ${timeoutMs} ms, ${store} store, ${list}`;
  const events = [
    ...scenario.orders.map((each, index) => ({
      at: each.isLate ? HOSTILE_MS + each.sentAtMs : each.sentAtMs,
      text: `order ${index} is sent${each.isLate ? ' (so long after the calm begins)' : ''}: ${each.life.kind} ${each.life.ms} ms; ${each.found}${each.found === 'watched' ? ` for ${each.watchedForMs} ms` : ''}`,
    })),
    ...scenario.lookups.map(({ atMs, order: index, maxAgeMs }) => ({
      at: atMs,
      text: `lookup of ${index === null ? 'an unknown id' : `order ${index} (modulo those sent)`}, maxAge ${maxAgeMs}`,
    })),
    ...scenario.faults.map(({ fault, operation, fromMs, forMs, oneIn, seconds }) => ({
      at: fromMs,
      text: `for ${forMs} ms: ${fault} on ${operation}, one call in ${oneIn} (${seconds} s)`,
    })),
    ...scenario.restarts.map(({ atMs, how, downMs }) => ({
      at: atMs,
      text: `${how}, down for ${downMs} ms`,
    })),
  ].sort((one, other) => one.at - other.at);
  return [head, ...events.map(({ at, text }) => `  ${String(at).padStart(7)}  ${text}`)].join('\n');
}
