import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import { and, asc, count, desc, eq, gt, gte, isNotNull, lt, lte, sql } from './drizzle.ts';
import { isUnsettled, notes, orders, snapshots } from './schema.ts';

/** Compiled once: to compile a statement takes many times as long as to run one of these. */
export type Statements = ReturnType<typeof prepareStatements>;

export function prepareStatements(db: BetterSQLite3Database) {
  return { ...logStatements(db), ...scheduleStatements(db), ...noteStatements(db) };
}

const given = sql.placeholder;

function selectOrders(db: BetterSQLite3Database) {
  return db
    .select({
      latest: snapshots,
      statusSince: orders.statusSince,
      trackedSince: orders.trackedSince,
      checkedAt: orders.checkedAt,
      dueAt: orders.dueAt,
      failures: orders.failures,
    })
    .from(orders)
    .innerJoin(
      snapshots,
      and(eq(snapshots.orderId, orders.orderId), eq(snapshots.version, orders.latestVersion)),
    );
}

function logStatements(db: BetterSQLite3Database) {
  const within = and(
    eq(snapshots.orderId, given('orderId')),
    gt(snapshots.version, given('after')),
    lt(snapshots.version, given('before')),
  );
  const read = () => db.select().from(snapshots).where(within);
  return {
    find: selectOrders(db)
      .where(eq(orders.orderId, given('orderId')))
      .prepare(),
    readOldest: read().orderBy(asc(snapshots.version)).limit(given('limit')).prepare(),
    readNewest: read().orderBy(desc(snapshots.version)).limit(given('limit')).prepare(),
    append: db
      .insert(snapshots)
      .values({
        orderId: given('orderId'),
        version: given('version'),
        upstreamStatus: given('upstreamStatus'),
        observedAt: given('observedAt'),
        ref: given('ref'),
        type: given('type'),
        number: given('number'),
        amount: given('amount'),
        cardCode: given('cardCode'),
        transactionNumber: given('transactionNumber'),
        processedAt: given('processedAt'),
        refundMessage: given('refundMessage'),
        createdAt: given('createdAt'),
      })
      .prepare(),
    saveOrder: db
      .insert(orders)
      .values({
        orderId: given('orderId'),
        latestVersion: given('latestVersion'),
        status: given('status'),
        statusSince: given('statusSince'),
        trackedSince: given('trackedSince'),
        checkedAt: given('checkedAt'),
        dueAt: given('dueAt'),
        createdAt: given('createdAt'),
        failures: given('failures'),
      })
      .onConflictDoUpdate({
        target: orders.orderId,
        set: {
          latestVersion: sql`excluded.latest_version`,
          status: sql`excluded.status`,
          statusSince: sql`excluded.status_since`,
          trackedSince: sql`excluded.tracked_since`,
          checkedAt: sql`excluded.checked_at`,
          dueAt: sql`excluded.due_at`,
          createdAt: sql`excluded.created_at`,
          failures: sql`excluded.failures`,
        },
      })
      .prepare(),
  };
}

function scheduleStatements(db: BetterSQLite3Database) {
  return {
    reschedule: db
      .update(orders)
      .set({
        dueAt: sql`${given('dueAt')}`,
        failures: sql`${given('failures')}`,
        trackedSince: sql`coalesce(${given('trackedSince')}, ${orders.trackedSince})`,
      })
      .where(and(eq(orders.orderId, given('orderId')), isUnsettled))
      .prepare(),
    due: selectOrders(db)
      .where(lte(orders.dueAt, given('before')))
      .orderBy(asc(orders.dueAt), asc(orders.orderId))
      .limit(given('limit'))
      .prepare(),
    createdWithin: selectOrders(db)
      .where(
        and(
          isNotNull(orders.dueAt),
          gte(orders.createdAt, given('from')),
          lte(orders.createdAt, given('to')),
        ),
      )
      .orderBy(asc(orders.createdAt), asc(orders.orderId))
      .limit(given('limit'))
      .prepare(),
    ...pageStatements(db),
    census: db
      .select({
        status: orders.status,
        all: count(),
        tracked: count(orders.dueAt),
        trackedSinceBefore: sql<number>`sum(${orders.dueAt} is not null and ${orders.statusSince} < ${given('overdueBefore')})`,
      })
      .from(orders)
      .where(isUnsettled)
      .groupBy(orders.status)
      .prepare(),
  };
}

/** Of the index alone: none of these touches the table. */
function pageStatements(db: BetterSQLite3Database) {
  const creations = () => db.select({ createdAt: orders.createdAt }).from(orders);
  const counted = creations()
    .where(and(gte(orders.createdAt, given('from')), lte(orders.createdAt, given('to'))))
    .limit(given('limit'))
    .as('counted');
  return {
    createdCount: db.select({ count: count() }).from(counted).prepare(),
    pageEnd: creations()
      .where(gte(orders.createdAt, given('from')))
      .orderBy(asc(orders.createdAt))
      .limit(1)
      .offset(given('before'))
      .prepare(),
    pageStart: creations()
      .where(lte(orders.createdAt, given('to')))
      .orderBy(desc(orders.createdAt))
      .limit(1)
      .offset(given('before'))
      .prepare(),
  };
}

function noteStatements(db: BetterSQLite3Database) {
  return {
    note: db
      .insert(notes)
      .values({ name: given('name'), value: given('value') })
      .onConflictDoUpdate({ target: notes.name, set: { value: sql`excluded.value` } })
      .prepare(),
    recall: db
      .select({ value: notes.value })
      .from(notes)
      .where(eq(notes.name, given('name')))
      .prepare(),
  };
}
