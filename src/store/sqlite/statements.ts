import type { SQL } from 'drizzle-orm';
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import { and, asc, count, desc, eq, gt, gte, isNotNull, lt, lte, or, sql } from './drizzle.ts';
import { isNotParked, isParked, isUnsettled, orders, snapshots } from './schema.ts';

/** Statements prepared once: preparing one takes many times as long as running it. */
export type Statements = ReturnType<typeof prepareStatements>;

export function prepareStatements(db: BetterSQLite3Database) {
  return { ...logStatements(db), ...scheduleStatements(db) };
}

const given = sql.placeholder;

function logStatements(db: BetterSQLite3Database) {
  const within = and(
    eq(snapshots.orderId, given('orderId')),
    gt(snapshots.version, given('after')),
    lt(snapshots.version, given('before')),
  );
  const read = () => db.select().from(snapshots).where(within);
  return {
    readOldest: read().orderBy(asc(snapshots.version)).limit(given('limit')).prepare(),
    readNewest: read().orderBy(desc(snapshots.version)).limit(given('limit')).prepare(),
  };
}

function scheduleStatements(db: BetterSQLite3Database) {
  const due = (which: SQL) =>
    db
      .select()
      .from(orders)
      .where(and(lte(orders.dueAt, given('before')), which))
      .orderBy(asc(orders.dueAt), asc(orders.orderId))
      .limit(given('limit'));
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
    clockSetBack: db
      .update(orders)
      .set({
        checkedAt: sql`min(${orders.checkedAt}, ${given('now')})`,
        // NULL stays NULL.
        dueAt: sql`min(${orders.dueAt}, ${given('now')})`,
      })
      .where(
        and(
          isUnsettled,
          or(
            gt(orders.checkedAt, given('now')),
            and(gt(orders.failures, 0), gt(orders.dueAt, given('now'))),
          ),
        ),
      )
      .returning({ orderId: orders.orderId })
      .prepare(),
    dueParked: due(isParked).prepare(),
    dueOthers: due(isNotParked).prepare(),
    createdWithin: db
      .select()
      .from(orders)
      .where(
        and(
          isNotNull(orders.dueAt),
          gte(orders.createdAt, given('from')),
          lte(orders.createdAt, given('to')),
        ),
      )
      .orderBy(desc(orders.createdAt), desc(orders.orderId))
      .limit(given('limit'))
      .prepare(),
    // Reads the index alone and never touches the table.
    creationTimes: db
      .select({ createdAt: orders.createdAt })
      .from(orders)
      .where(and(gte(orders.createdAt, given('from')), lte(orders.createdAt, given('to'))))
      .orderBy(asc(orders.createdAt))
      .prepare(),
    census: db
      .select({
        status: orders.status,
        all: count(),
        tracked: count(orders.dueAt),
        longInStatus: sql<number>`sum(${orders.dueAt} is not null and ${orders.statusSince} < ${given('overdueBefore')})`,
      })
      .from(orders)
      .where(isUnsettled)
      .groupBy(orders.status)
      .prepare(),
  };
}
