import { randomUUID } from 'node:crypto';
import Database from 'better-sqlite3';
import { CardCodes, type CardKey } from '../../cards/card-codes.ts';
import { keepCardKeys, newCardKey, readCardKeys } from '../../cards/card-keys.ts';
import type { Store } from '../../core/store.ts';
import { sqliteErrorOf } from './faults.ts';
import { databasePath, IN_MEMORY } from './location.ts';
import { migrate } from './migrate.ts';
import { noteCardKeys } from './noted-card-keys.ts';
import { asOpenError } from './open-error.ts';
import { createPrivately } from './private-file.ts';
import { sealPlainCodes } from './seal-plain.ts';
import { SqliteStore } from './store.ts';
import { countUnreadable } from './unreadable-cards.ts';

export interface SqliteOptions {
  /** `file:<path>`, absolute or relative to the working directory, or `file::memory:`. */
  readonly url: string;
  /** How long to wait for a lock that another process holds on the database. 5,000 by default. */
  readonly busyTimeoutMs?: number;
  /** The first key seals card codes; all of them open card codes, as do the keys in the file beside the database. */
  readonly cardKeys?: readonly CardKey[] | undefined;
  /** Called if none of the keys opens the card codes of some of the newest snapshots: how many they are. */
  readonly onUnreadableCards?: (count: number) => void;
}

const WRITE_AHEAD_ATTEMPTS = 20;

/**
 * How much of the file SQLite reads through a memory map, that is from the system's page cache: an order from long ago
 * is then read as cheaply as a recent one. A million snapshots of 250,000 orders take 225 MB.
 */
const MAPPED_BYTES = 1_073_741_824;

/**
 * Opens the database, creates it and its folder if they do not exist, and brings its schema up to date. Rejects with a
 * `StoreOpenError` if the database or the file of its card keys cannot be used.
 */
export async function openSqliteStore(options: SqliteOptions): Promise<Store> {
  const { url, busyTimeoutMs = 5_000 } = options;
  const path = databasePath(url);
  if (path !== IN_MEMORY) createPrivately(path);
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { timeout: busyTimeoutMs });
    const logId = prepareDatabase(database, path);
    const keys = cardKeysOf(path, options.cardKeys) ?? makeCardKeys(path);
    noteCardKeys(database, keys);
    const cards = new CardCodes(keys);
    sealPlainCodes(database, cards);
    const unreadable = countUnreadable(database, cards);
    if (unreadable > 0) options.onUnreadableCards?.(unreadable);
    return new SqliteStore(database, { logId, cards });
  } catch (error) {
    database?.close();
    throw asOpenError(error, path);
  }
}

/** The key file is named after its database, since the card codes of the one cannot be read without the other. */
function keyFileOf(path: string): string {
  return `${path}.card-keys`;
}

/** The key file that the key of new card codes comes from; `undefined` if keys are given, or if nothing is kept. */
export function keyFileInUse({ url, cardKeys = [] }: SqliteOptions): string | undefined {
  const path = databasePath(url);
  return path === IN_MEMORY || cardKeys.length > 0 ? undefined : keyFileOf(path);
}

/** The keys that are given, and those of the key file; `undefined` if there are none yet. */
export function cardKeysOf(
  path: string,
  [first, ...others]: readonly CardKey[] = [],
): readonly [CardKey, ...CardKey[]] | undefined {
  const kept = path === IN_MEMORY ? undefined : readCardKeys(keyFileOf(path));
  return first === undefined ? kept : [first, ...others, ...(kept ?? [])];
}

function makeCardKeys(path: string): readonly [CardKey, ...CardKey[]] {
  return path === IN_MEMORY ? [newCardKey()] : keepCardKeys(keyFileOf(path));
}

/**
 * Migrates and configures the database, and returns the log's id. Each transaction takes the write lock at its start,
 * so of two processes that open a new database at once, the second finds the work done.
 */
function prepareDatabase(database: Database.Database, path: string): string {
  database.transaction(() => migrate(database, path)).immediate();
  // Only after `migrate`, which throws for another program's database: such a database stays unchanged.
  writeAhead(database);
  // A snapshot that a client has seen must survive a power cut.
  database.pragma('synchronous = FULL');
  database.pragma(`mmap_size = ${MAPPED_BYTES}`);
  return database.transaction(() => agreeOnLogId(database)).immediate();
}

/**
 * Switches the database to a write-ahead log. SQLite does not wait for a lock while it changes the journal mode: of
 * several processes that open a new database at once, some get SQLITE_BUSY, because another one has just changed the
 * mode or is about to. So this function waits for the lock and tries again.
 *
 * A process that was not the first to switch is also left with a read lock, which would block its own checkpoints. Its
 * next transaction releases that lock.
 */
function writeAhead(database: Database.Database): void {
  const waitForLock = database.transaction(() => undefined);
  for (let attempt = 1; ; attempt += 1) {
    try {
      database.pragma('journal_mode = WAL');
      return;
    } catch (error) {
      const isBusy = sqliteErrorOf(error)?.code === 'SQLITE_BUSY';
      if (!isBusy || attempt === WRITE_AHEAD_ATTEMPTS) throw error;
    }
    waitForLock.immediate();
  }
}

/** Returns the log's id, and always writes it, so that a read-only database fails here and not at the first poll. */
function agreeOnLogId(database: Database.Database): string {
  const noted = database.prepare('SELECT id FROM log WHERE only = 1').pluck().get();
  const logId = typeof noted === 'string' ? noted : randomUUID();
  database.prepare('INSERT OR REPLACE INTO log (only, id) VALUES (1, ?)').run(logId);
  return logId;
}
