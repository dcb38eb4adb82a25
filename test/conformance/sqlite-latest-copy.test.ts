import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { CardCodes } from '../../src/cards/card-codes.ts';
import { newCardKey } from '../../src/cards/card-keys.ts';
import type { Store } from '../../src/core/store.ts';
import { prune } from '../../src/store/sqlite/prune.ts';
import { rekey } from '../../src/store/sqlite/rekey.ts';
import { test } from './sqlite/folder.ts';
import { COMPLETE, inOneSecond, never, ORDER, observed, T0 } from './store/observations.ts';

const [ONE, TWO] = [newCardKey(), newCardKey()];
const ORDERS = ['a', 'b', 'c'];
const CODE = COMPLETE.cardCode;

/** Orders whose copy is not, column by column, what the log says of their latest version. */
const WRONG_COPIES = `
  SELECT orders.order_id FROM orders JOIN snapshots
    ON snapshots.order_id = orders.order_id AND snapshots.version = orders.latest_version
  WHERE (copied_version, orders.upstream_status, orders.observed_at, orders.ref, orders.type, orders.number,
    orders.amount, orders.card_code, orders.transaction_number, orders.processed_at, orders.refund_message,
    orders.created_at)
  IS NOT (version, snapshots.upstream_status, snapshots.observed_at, snapshots.ref, snapshots.type, snapshots.number,
    snapshots.amount, snapshots.card_code, snapshots.transaction_number, snapshots.processed_at,
    snapshots.refund_message, snapshots.created_at)`;

function inFile<T>(path: string, work: (database: Database.Database) => T): T {
  const database = new Database(path);
  try {
    return work(database);
  } finally {
    database.close();
  }
}

function rekeys(path: string, keys: ConstructorParameters<typeof CardCodes>[0]) {
  const database = new Database(path);
  const pause = async () => undefined;
  return rekey(database, new CardCodes(keys), pause).finally(() => database.close());
}

const wrongCopies = (path: string) =>
  inFile(path, (database) => database.prepare(WRONG_COPIES).pluck().all());

/** What `find` tells of an order is what the end of the log tells. */
async function expectAgreement(store: Store): Promise<void> {
  for (const orderId of ORDERS) {
    const [last] = await store.read(orderId, { limit: 1, from: 'newest' });
    expect((await store.find(orderId))?.latest).toEqual(last);
  }
}

const told = fc.record({
  orderId: fc.constantFrom(...ORDERS),
  upstreamStatus: fc.constantFrom('HANDLING', 'HANDLING', 'QUEUED', 'NEW', 'FULFILLED'),
  ref: fc.constantFrom(null, 'r', 'رقم'),
  amount: fc.constantFrom(null, 1_000, 1000.5),
  cardCode: fc.constantFrom(null, CODE, '55'),
  createdAt: fc.constantFrom(null, T0),
});

describe('the copy of the latest snapshot that lies beside its order', () => {
  test('is what the log says, after whatever was recorded, pruned and sealed anew', async ({
    folder,
    open,
  }) => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(told, { minLength: 1, maxLength: 12 }), async (history) => {
        run += 1;
        const path = `${folder}/${run}.db`;
        const store = await open({ url: `file:${path}`, cardKeys: [ONE, TWO] });
        for (const [at, each] of history.entries()) {
          await store.record(observed({ ...each, observedAt: T0 + at }), inOneSecond);
          await store.reschedule(each.orderId, { dueAt: T0 + at, failures: 1 });
        }
        await expectAgreement(store);
        expect(wrongCopies(path)).toEqual([]);
        await rekeys(path, [TWO, ONE]);
        const database = new Database(path);
        await prune(database, { before: T0 + 99, isDryRun: false, pause: async () => undefined });
        database.close();
        expect(wrongCopies(path)).toEqual([]);
        await store.close();
        const again = await open({ url: `file:${path}`, cardKeys: [TWO] });
        await expectAgreement(again);
        for (const orderId of ORDERS) {
          const found = await again.find(orderId);
          expect(found?.latest.isCardUnreadable).toBeUndefined();
        }
        await again.close();
      }),
      { numRuns: 25 },
    );
  });

  test('counts only for the version that is the latest: a gateway from before writes none', async ({
    open,
    path,
  }) => {
    const store = await open();
    await store.record(observed({ ref: 'copied' }), inOneSecond);
    inFile(path, (database) => {
      database.exec(`
        INSERT INTO snapshots (order_id, version, upstream_status, observed_at, ref)
          VALUES ('${ORDER}', 2, 'QUEUED', ${T0 + 1}, 'of the log');
        INSERT INTO orders (order_id, latest_version, status, status_since, tracked_since, checked_at, due_at, failures)
          VALUES ('${ORDER}', 2, 'QUEUED', ${T0 + 1}, ${T0}, ${T0 + 1}, ${T0 + 9}, 0)
          ON CONFLICT (order_id) DO UPDATE SET latest_version = 2, status = 'QUEUED', due_at = ${T0 + 9};
        INSERT INTO snapshots (order_id, version, upstream_status, observed_at) VALUES ('new', 1, 'HANDLING', ${T0});
        INSERT INTO orders (order_id, latest_version, status, status_since, tracked_since, checked_at, due_at, failures)
          VALUES ('new', 1, 'HANDLING', ${T0}, ${T0}, ${T0}, ${T0 + 9}, 0);`);
    });
    await store.close();
    const again = await open();
    expect((await again.find(ORDER))?.latest).toMatchObject({ version: 2, ref: 'of the log' });
    expect((await again.find('new'))?.latest).toMatchObject({ version: 1 });
    const due = await again.due({ before: T0 + 9, limit: 9 });
    expect(due.map(({ latest }) => latest.version).sort()).toEqual([1, 2]);
    const { appended } = await again.record(
      observed({ upstreamStatus: 'REFUNDED', observedAt: T0 + 2 }),
      never,
    );
    expect(appended).toMatchObject({ version: 3, ref: 'of the log' });
    expect(wrongCopies(path)).toEqual(['new']);
  });

  test('whose card no key opens is not taken: the log may hold one that can be read', async ({
    open,
    path,
  }) => {
    const store = await open({ cardKeys: [ONE] });
    await store.record(observed({ upstreamStatus: 'FULFILLED', cardCode: CODE }), never);
    await store.close();
    const place = { orderId: ORDER, version: 1 };
    const sealed = new CardCodes([TWO]).seal(CODE, place);
    inFile(path, (database) => database.prepare('UPDATE snapshots SET card_code = ?').run(sealed));
    const again = await open({ cardKeys: [TWO] });
    expect((await again.find(ORDER))?.latest.cardCode).toBe(CODE);
    expect(wrongCopies(path)).toEqual([ORDER]);
    await rekeys(path, [TWO]);
    expect(wrongCopies(path)).toEqual([]);
  });

  test('need not be there for codes to be sealed anew', async ({ open, path }) => {
    const store = await open({ cardKeys: [ONE] });
    await store.record(observed({ upstreamStatus: 'FULFILLED', cardCode: CODE }), never);
    await store.close();
    inFile(path, (database) => database.exec('ALTER TABLE orders DROP COLUMN copied_version'));
    expect(await rekeys(path, [TWO, ONE])).toEqual({ changed: 1, current: 0, unreadable: 0 });
  });
});
