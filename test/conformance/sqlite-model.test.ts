import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Planner, Range, Store } from '../../src/core/store.ts';
import type { Observation } from '../../src/core/topup.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { T0 } from './store/observations.ts';

/** One call, made the same way to every store. */
interface Call {
  readonly does: string;
  make(store: Store): Promise<unknown>;
}

/** Few values, so that observations often say the same, overtake each other and meet at one moment. */
const orderId = fc.constantFrom('a', 'b', 'c', 'd');
const time = fc.integer({ min: 0, max: 30 }).map((ms) => T0 + ms);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 2 });
const text = fc.oneof(
  fc.constantFrom('', 'رقم الهاتف', '0', '📞', '\uD800', 'a\0b', "'; DROP TABLE orders; --"),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
);
const amount = fc.oneof(
  fc.constantFrom(0, 0.1, 1000.5),
  // SQLite keeps no negative zero, and JSON tells none.
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
);
const upstreamStatus = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('HANDLING', 'HANDLING', 'QUEUED', 'TELEPORTED') },
  { weight: 1, arbitrary: fc.constantFrom('FULFILLED', 'REFUNDED', 'constructor', '') },
);

const observation: fc.Arbitrary<Observation> = fc.record({
  orderId,
  upstreamStatus,
  observedAt: time,
  ref: maybe(text),
  type: maybe(fc.constantFrom('ADSL', '4G')),
  number: maybe(fc.constant('036362608')),
  amount: maybe(amount),
  cardCode: maybe(text),
  transactionNumber: maybe(fc.constant('AT-1')),
  processedAt: maybe(time),
  refundMessage: maybe(text),
  createdAt: maybe(time),
});

const dueAt = maybe(time);
const limit = fc.nat({ max: 6 });
const version = fc.option(fc.nat({ max: 8 }), { nil: undefined });
const range: fc.Arbitrary<Range> = fc.record({
  after: version,
  before: version,
  limit,
  from: fc.constantFrom('oldest', 'newest'),
});

function call<T>(name: string, make: (store: Store, given: T) => Promise<unknown>) {
  return (given: T): Call => ({
    does: `${name}(${JSON.stringify(given)})`,
    make: (store) => make(store, given),
  });
}

const record = fc.tuple(observation, dueAt).map(
  call('record', (store, [told, due]) => {
    const plan: Planner = () => due;
    return store.record(told, plan);
  }),
);

const otherCalls: readonly fc.Arbitrary<Call>[] = [
  fc
    .tuple(
      orderId,
      fc.record(
        { dueAt, failures: limit, trackedSince: time },
        { requiredKeys: ['dueAt', 'failures'] },
      ),
    )
    .map(call('reschedule', (store, [id, change]) => store.reschedule(id, change))),
  time.map(call('clockSetBack', (store, now) => store.clockSetBack(now))),
  orderId.map(call('find', (store, id) => store.find(id))),
  fc.tuple(orderId, range).map(call('read', (store, [id, within]) => store.read(id, within))),
  fc.record({ before: time, limit }).map(call('due', (store, query) => store.due(query))),
  fc.record({ overdueBefore: time }).map(call('census', (store, query) => store.census(query))),
  fc
    .record({ from: time, to: time, limit })
    .map(call('createdWithin', (store, query) => store.createdWithin(query))),
  fc
    .record({ from: time, to: time })
    .map(call('creationTimes', (store, query) => store.creationTimes(query))),
  fc
    .tuple(fc.constantFrom('a', 'b'), fc.string())
    .map(call('note', (store, [name, value]) => store.note(name, value))),
  fc.constantFrom('a', 'b').map(call('recall', (store, name) => store.recall(name))),
];

const calls = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: record },
    ...otherCalls.map((arbitrary) => ({ weight: 1, arbitrary })),
  ),
  { maxLength: 60, size: 'max' },
);

test('SQLite answers any sequence of calls as the reference does', {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(calls, async (sequence) => {
      const reference = createMemoryStore();
      const store = await openSqliteStore({ url: 'file::memory:' });
      try {
        for (const { does, make } of sequence) {
          expect(await make(store), does).toEqual(await make(reference));
        }
      } finally {
        await store.close();
      }
    }),
    { seed: 20260101, numRuns: 300 },
  );
});
