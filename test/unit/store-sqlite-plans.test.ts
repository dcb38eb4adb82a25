import Database from 'better-sqlite3';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { afterAll, describe, expect, test } from 'vitest';
import { prepareHotStatements } from '../../src/store/sqlite/hot-statements.ts';
import { migrate } from '../../src/store/sqlite/migrate.ts';
import { prepareNoteStatements } from '../../src/store/sqlite/notes.ts';
import { prepareStatements } from '../../src/store/sqlite/statements.ts';

const database = new Database(':memory:');
migrate(database, ':memory:');
const statements = prepareStatements(drizzle(database));
const bare = { ...prepareHotStatements(database), ...prepareNoteStatements(database) };
afterAll(() => database.close());

type Name = keyof typeof statements | keyof typeof bare;

function textOf(name: Name): string {
  return name in bare
    ? bare[name as keyof typeof bare].source
    : statements[name as keyof typeof statements].getQuery().sql;
}

/** How SQLite would run a statement, one line for each table that it goes through. */
function planOf(name: Name): string[] {
  // A plan is the same whatever the parameters are.
  const sql = textOf(name).replace(/@\w+|\?/g, 'NULL');
  const steps = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
  return steps.map((step) =>
    typeof step === 'object' && step !== null && 'detail' in step ? String(step.detail) : '',
  );
}

/** At a million snapshots a scan or a sort of them would hold up everything else. */
describe('every statement goes by an index', () => {
  const range = 'SEARCH snapshots USING PRIMARY KEY (order_id=? AND version>? AND version<?)';
  const order = 'SEARCH orders USING PRIMARY KEY (order_id=?)';

  test.for<[Name, string[]]>([
    ['find', [order]],
    ['readOldest', [range]],
    ['readNewest', [range]],
    ['append', []],
    ['saveOrder', []],
    ['saveCheck', [order]],
    ['reschedule', [order]],
    ['clockSetBack', ['SCAN orders USING INDEX orders_unsettled']],
    ['dueParked', ['SEARCH orders USING INDEX orders_due_parked (due_at<?)']],
    ['dueOthers', ['SEARCH orders USING INDEX orders_due_others (due_at<?)']],
    ['createdWithin', ['SEARCH orders USING INDEX orders_created (created_at>? AND created_at<?)']],
    [
      'creationTimes',
      ['SEARCH orders USING COVERING INDEX orders_listed (created_at>? AND created_at<?)'],
    ],
    // All of it, but of the index alone, which has no settled order in it.
    ['census', ['SCAN orders USING COVERING INDEX orders_unsettled']],
    ['note', []],
    ['recall', ['SEARCH notes USING INDEX sqlite_autoindex_notes_1 (name=?)']],
  ])('%s', ([name, plan]) => {
    expect(planOf(name)).toEqual(plan);
  });

  test('and a row lies where its key is found, without a second search', () => {
    const tables = database
      .prepare("SELECT name FROM pragma_table_list WHERE wr = 1 AND schema = 'main' ORDER BY name")
      .pluck()
      .all();
    expect(tables).toEqual(['orders', 'snapshots']);
  });

  test('and none was left out above', () => {
    expect(Object.keys({ ...statements, ...bare })).toHaveLength(15);
  });
});
