import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { CardCodes, type CardKey } from '../../cards/card-codes.ts';
import { CardKeysError, keepCardKeys, newCardKey, readCardKeys } from '../../cards/card-keys.ts';
import { errorCodeOf } from '../../core/logged-error.ts';
import type { Store } from '../../core/store.ts';
import { StoreOpenError } from '../errors.ts';
import { sqliteErrorOf } from './faults.ts';
import { databasePath, IN_MEMORY } from './location.ts';
import { migrate } from './migrate.ts';
import { noteCardKeys } from './noted-card-keys.ts';
import { sealPlainCodes } from './seal-plain.ts';
import { SqliteStore } from './store.ts';

export interface SqliteOptions {
  /** `file:<path>`, absolute or relative to the working directory, or `file::memory:`. */
  readonly url: string;
  /** How long to wait for a lock that another process holds on the database. 5,000 by default. */
  readonly busyTimeoutMs?: number;
  /** The first key seals card codes; all of them open card codes, as do the keys in the file beside the database. */
  readonly cardKeys?: readonly CardKey[] | undefined;
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
    const keys = cardKeysOf(path, options.cardKeys);
    noteCardKeys(database, keys);
    const cards = new CardCodes(keys);
    sealPlainCodes(database, cards);
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

export function cardKeysOf(
  path: string,
  [first, ...others]: readonly CardKey[] = [],
): readonly [CardKey, ...CardKey[]] {
  if (path === IN_MEMORY) return first === undefined ? [newCardKey()] : [first, ...others];
  const file = keyFileOf(path);
  if (first !== undefined) return [first, ...others, ...(readCardKeys(file) ?? [])];
  return keepCardKeys(file);
}

/**
 * Creates the database's file and its folder if they do not exist, the file with access for the gateway's own user only,
 * since the database holds card codes.
 */
export function createPrivately(path: string): void {
  try {
    makeFolder(dirname(path));
    // Otherwise SQLite would create the file with its default mode, which the -wal and -shm files inherit.
    // Never opens an existing file: closing it would release the locks of another store in this process.
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (errorCodeOf(error) !== 'EEXIST') throw asOpenError(error, path);
  }
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
    throw new StoreOpenError(`${path} is a folder: choose a file in it as DATABASE_URL`);
  }
}

/**
 * Makes a folder for the gateway's own user only: whoever could write to it could put another file in place of the
 * database or of the key file. Node's own recursive mkdir never returns if the kernel refuses with ENOENT, as it does
 * below `/proc`.
 */
function makeFolder(folder: string): void {
  if (existsSync(folder) || dirname(folder) === folder) return;
  makeFolder(dirname(folder));
  try {
    mkdirSync(folder, 0o700);
  } catch (error) {
    // Another process that opens the same database may have made the folder meanwhile.
    if (errorCodeOf(error) !== 'EEXIST') throw error;
  }
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

export function asOpenError(error: unknown, path: string): unknown {
  if (error instanceof StoreOpenError) return error;
  if (error instanceof CardKeysError) return new StoreOpenError(error.message, { cause: error });
  const code = sqliteErrorOf(error)?.code ?? errorCodeOf(error);
  if (code === undefined) return error;
  return new StoreOpenError(`${path} ${complaint(code)} (${code})`, { cause: error });
}

/** What is wrong, and what to do about it. Matches extended SQLite codes by their prefix. */
function complaint(code: string): string {
  if (/^SQLITE_NOTADB/.test(code)) return 'is not a SQLite database: choose another DATABASE_URL';
  if (/^SQLITE_CORRUPT/.test(code)) return 'is damaged: restore it from a backup';
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) return 'is locked by another program: stop that one';
  if (/^(SQLITE_FULL|ENOSPC|EDQUOT)/.test(code)) return 'has no room left on its disk: make some';
  if (/^(ENOTDIR|EEXIST)$/.test(code)) return 'lies below a file: choose another DATABASE_URL';
  if (/^(SQLITE_READONLY|SQLITE_CANTOPEN|SQLITE_PERM|EACCES|EPERM|EROFS|ENOENT)/.test(code)) {
    return 'cannot be written: give the gateway write access to the file and its folder, or choose another DATABASE_URL';
  }
  return 'cannot be used: see to its disk, restore it from a backup, or choose another DATABASE_URL';
}
