import type Database from 'better-sqlite3';
import type { CardCodes } from '../../cards/card-codes.ts';
import type {
  Census,
  Order,
  Planner,
  Range,
  Recorded,
  Reschedule,
  Store,
  Window,
} from '../../core/store.ts';
import type { Observation, Snapshot } from '../../core/topup.ts';
import { advance } from '../advance.ts';
import { Bells } from '../bells.ts';
import { drizzle } from './drizzle.ts';
import { withStoreErrors } from './faults.ts';
import { type HotStatements, prepareHotStatements } from './hot-statements.ts';
import { prepareNoteStatements } from './notes.ts';
import { ReadTurn } from './read-turn.ts';
import { copyIn, type OrderRow, orderOf, rowOf, type SnapshotRow } from './rows.ts';
import { prepareStatements, type Statements } from './statements.ts';

/**
 * A store on a connection whose schema is up to date. All work is synchronous, so two calls never interleave within a
 * process; between processes SQLite's own locks serialise them.
 */
export class SqliteStore implements Store {
  readonly logId: string;
  readonly #database: Database.Database;
  readonly #statements: Statements;
  readonly #hot: HotStatements;
  readonly #notes: ReturnType<typeof prepareNoteStatements>;
  readonly #turn: ReadTurn;
  readonly #bells = new Bells();
  readonly #cards: CardCodes;

  constructor(
    database: Database.Database,
    { logId, cards }: { readonly logId: string; readonly cards: CardCodes },
  ) {
    this.logId = logId;
    this.#cards = cards;
    this.#database = database;
    this.#statements = prepareStatements(drizzle(database));
    this.#hot = prepareHotStatements(database);
    this.#notes = prepareNoteStatements(database);
    this.#turn = new ReadTurn(database);
  }

  async record(observation: Observation, plan: Planner): Promise<Recorded> {
    const [recorded] = await this.recordAll([observation], plan);
    if (recorded === undefined) throw new Error('a transaction that gave no answer');
    return recorded;
  }

  async recordAll(
    observations: readonly Observation[],
    plan: Planner,
  ): Promise<readonly Recorded[]> {
    const advanceAll = () => observations.map((observation) => this.#advance(observation, plan));
    // Immediate: a deferred transaction, which begins with a read, can fail with SQLITE_BUSY when it comes to write.
    const all = this.#write(() => this.#database.transaction(advanceAll).immediate());
    for (const recorded of all) {
      const { order, before } = recorded;
      if (order !== before) this.#bells.written(order.latest.orderId, recorded);
    }
    for (const { appended } of all) if (appended !== undefined) this.#bells.ring(appended.orderId);
    return all;
  }

  async find(orderId: string): Promise<Order | undefined> {
    return this.#read(() => this.#find(orderId));
  }

  async read(orderId: string, range: Range): Promise<readonly Snapshot[]> {
    const bounds = {
      orderId,
      after: range.after ?? 0,
      before: range.before ?? Number.MAX_SAFE_INTEGER,
      limit: rowLimit(range.limit),
    };
    const rows =
      range.from === 'oldest'
        ? this.#read(() => this.#statements.readOldest.all(bounds))
        : this.#read(() => this.#statements.readNewest.all(bounds)).reverse();
    return rows.map((row) => this.#opened(row));
  }

  onAppend(orderId: string, ring: (orderId: string) => void): () => void {
    return this.#bells.hang(orderId, ring);
  }

  onWrite(written: (orderId: string, recorded: Recorded | undefined) => void): () => void {
    return this.#bells.listen(written);
  }

  async reschedule(orderId: string, change: Reschedule): Promise<void> {
    const { dueAt, failures, trackedSince = null } = change;
    this.#write(() => this.#statements.reschedule.run({ orderId, dueAt, failures, trackedSince }));
    this.#bells.written(orderId);
  }

  async clockSetBack(now: number): Promise<void> {
    const changed = this.#write(() => this.#statements.clockSetBack.all({ now }));
    for (const { orderId } of changed) this.#bells.written(orderId);
  }

  async due(query: { readonly before: number; readonly limit: number }): Promise<readonly Order[]> {
    const { dueParked, dueOthers } = this.#statements;
    const which = { before: query.before, limit: rowLimit(query.limit) };
    return this.#read(() => {
      const rows = [...dueParked.all(which), ...dueOthers.all(which)].sort(byDueAt);
      return this.#ordersIn(rows);
    });
  }

  async createdWithin(query: Window & { readonly limit: number }): Promise<readonly Order[]> {
    const { from, to } = query;
    const limit = rowLimit(query.limit);
    return this.#read(() =>
      this.#ordersIn(this.#statements.createdWithin.all({ from, to, limit })),
    );
  }

  async creationTimes({ from, to }: Window): Promise<readonly number[]> {
    return this.#read(() =>
      this.#statements.creationTimes.values({ from, to }).map(([at]) => Number(at)),
    );
  }

  async census(query: { readonly overdueBefore: number }): Promise<Census> {
    const tracked = { HANDLING: 0, QUEUED: 0, UNKNOWN: 0 };
    let overdue = 0;
    let abandoned = 0;
    for (const row of this.#read(() => this.#statements.census.all(query))) {
      if (row.status === 'FULFILLED' || row.status === 'REFUNDED') continue;
      tracked[row.status] = row.tracked;
      abandoned += row.all - row.tracked;
      if (row.status !== 'QUEUED') overdue += row.longInStatus;
    }
    return { tracked, overdue, abandoned };
  }

  async note(name: string, value: string): Promise<void> {
    this.#write(() => this.#notes.note.run({ name, value }));
  }

  async recall(name: string): Promise<string | undefined> {
    return this.#read(() => this.#notes.recall.get(name));
  }

  /**
   * Leaves all data in the database file and none in a write-ahead log, if no other process has the database open.
   *
   * Does not run `PRAGMA optimize`: every statement has its index, and statistics taken while the database was small
   * make SQLite scan it once it has grown (`find` took 3 ms instead of 0.06 ms at 400,000 orders).
   */
  async close(): Promise<void> {
    if (!this.#database.open) return;
    this.#turn.end();
    try {
      withStoreErrors({ database: this.#database, verb: 'closed tidily' }, () =>
        this.#database.pragma('wal_checkpoint(TRUNCATE)'),
      );
    } finally {
      this.#database.close();
    }
  }

  #advance(observation: Observation, plan: Planner): Recorded {
    const { orderId } = observation;
    const current = this.#find(orderId);
    const recorded = advance(current, observation, plan);
    const { order, appended } = recorded;
    if (order === current) return recorded;
    if (appended === undefined) this.#hot.saveCheck.run({ orderId, ...order });
    else this.#append(order, appended);
    return recorded;
  }

  /** Writes the snapshot to the log, and its copy to the order's row. */
  #append(order: Order, appended: Snapshot): void {
    const { cardCode: code, isCardUnreadable: _unreadable, ...rest } = appended;
    const cardCode = code === null ? null : this.#cards.seal(code, appended);
    const row = { ...rest, cardCode };
    this.#hot.append.run(row);
    this.#hot.saveOrder.run(rowOf(order, row));
  }

  #find(orderId: string): Order | undefined {
    const row = this.#hot.find.get(orderId);
    return row && this.#orderIn(row);
  }

  #ordersIn(rows: readonly OrderRow[]): readonly Order[] {
    return rows.map((row) => this.#orderIn(row)).filter((order) => order !== undefined);
  }

  /** Takes the latest snapshot from its copy in the row if that is usable, otherwise from the log. */
  #orderIn(row: OrderRow): Order | undefined {
    const copy = copyIn(row);
    const latest = copy && this.#opened(copy);
    if (latest !== undefined && !latest.isCardUnreadable) return orderOf(row, latest);
    const { orderId, latestVersion } = row;
    const place = { orderId, after: latestVersion - 1, before: latestVersion + 1, limit: 1 };
    const logged = this.#statements.readOldest.get(place);
    return logged && orderOf(row, this.#opened(logged));
  }

  #opened(row: SnapshotRow): Snapshot {
    if (row.cardCode === null) return row;
    const cardCode = this.#cards.open(row.cardCode, row);
    return cardCode === undefined
      ? { ...row, cardCode: null, isCardUnreadable: true }
      : { ...row, cardCode };
  }

  #read<T>(work: () => T): T {
    return withStoreErrors({ database: this.#database, verb: 'read' }, () => this.#turn.read(work));
  }

  #write<T>(work: () => T): T {
    return withStoreErrors({ database: this.#database, verb: 'written' }, () => {
      this.#turn.end();
      return work();
    });
  }
}

/** SQLite refuses an infinite limit. */
function rowLimit(limit: number): number {
  return Math.min(limit, Number.MAX_SAFE_INTEGER);
}

function byDueAt(one: OrderRow, other: OrderRow): number {
  return (one.dueAt ?? 0) - (other.dueAt ?? 0) || (one.orderId < other.orderId ? -1 : 1);
}
