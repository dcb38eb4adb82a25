import type Database from 'better-sqlite3';

/** After this many reads a new transaction begins, so that even a long turn sees what other processes have written. */
const MOST_READS = 100;

/**
 * One transaction for all reads within a turn of the event loop, since SQLite takes three times as long to begin and
 * end a transaction as to find an order. Writes of other processes become visible in the next turn. A writer in this
 * process must call `end` first.
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

  /** Ends the transaction; does nothing if none is open. */
  end(): void {
    if (this.#ending !== undefined) clearImmediate(this.#ending);
    this.#ending = undefined;
    this.#reads = 0;
    // An error may have ended the transaction already, and the database may have been closed.
    if (this.#database.open && this.#database.inTransaction) this.#commit.run();
  }
}
