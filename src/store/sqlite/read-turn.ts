import type Database from 'better-sqlite3';

/** However long a turn of the event loop is, what others wrote is seen after so many questions. */
const MOST_READS = 100;

/**
 * One transaction for all that is read within a turn of the event loop: to begin one and to end it takes SQLite three
 * times as long as to find an order. What other processes write meanwhile is seen in the next turn; whoever writes
 * here ends it first.
 */
export class ReadTurn {
  readonly #database: Database.Database;
  readonly #begin: Database.Statement;
  readonly #commit: Database.Statement;
  readonly #end = () => this.end();
  #reads = 0;
  #ending: NodeJS.Immediate | undefined;

  constructor(database: Database.Database) {
    this.#database = database;
    this.#begin = database.prepare('BEGIN');
    this.#commit = database.prepare('COMMIT');
  }

  read<T>(work: () => T): T {
    if (this.#reads >= MOST_READS) this.end();
    if (!this.#database.inTransaction) this.#begin.run();
    this.#reads += 1;
    this.#ending ??= setImmediate(this.#end);
    return work();
  }

  /** Also where nothing was read. */
  end(): void {
    if (this.#ending !== undefined) clearImmediate(this.#ending);
    this.#ending = undefined;
    this.#reads = 0;
    // A fault may have ended it already, and the database may have been closed.
    if (this.#database.open && this.#database.inTransaction) this.#commit.run();
  }
}
