import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { CardCodes, type CardKey } from '../../cards/card-codes.ts';
import { keepCardKeys, newCardKey, readCardKeys } from '../../cards/card-keys.ts';
import type { Store } from '../../core/store.ts';
import { StoreOpenError } from '../errors.ts';
import { sqliteErrorOf } from './faults.ts';
import { databasePath, IN_MEMORY } from './location.ts';
import { migrate } from './migrate.ts';
import { sealPlainCodes } from './seal-plain.ts';
import { SqliteStore } from './store.ts';

export interface SqliteOptions {
  /** `file:<path>`, relative to the working directory or not, or `file::memory:`. */
  readonly url: string;
  /** Names a new log; a random UUID by default. Not called for a database that has one. */
  readonly newLogId?: () => string;
  /** How long to wait for another process that has the database locked. 5,000 by default. */
  readonly busyTimeoutMs?: number;
  /** The first seals card codes, all open them; those of the key file beside the database do, too. */
  readonly cardKeys?: readonly CardKey[] | undefined;
  /** Told where the key file is, if one is in use. */
  readonly onKeyFile?: (path: string) => void;
}

const WRITE_AHEAD_ATTEMPTS = 20;

/**
 * Of the file, so much is read where the system holds it anyway: an order of long ago costs what one of just now does.
 * A million snapshots of a quarter as many orders take 225 MB.
 */
const MAPPED_BYTES = 1_073_741_824;

/**
 * Opens the database, makes it and its folder where there is none, and brings its schema up to date.
 * Rejects with a `StoreOpenError` for one that cannot be used, or cannot be written.
 */
export async function openSqliteStore(options: SqliteOptions): Promise<Store> {
  const { url, newLogId = randomUUID, busyTimeoutMs = 5_000 } = options;
  const path = databasePath(url);
  if (path !== IN_MEMORY) createPrivately(path);
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { timeout: busyTimeoutMs });
    const logId = prepareDatabase(database, { path, newLogId });
    const cards = new CardCodes(cardKeysOf(path, options));
    sealPlainCodes(database, cards);
    return new SqliteStore(database, { logId, cards });
  } catch (error) {
    database?.close();
    throw asOpenError(error, path);
  }
}

/** A database without its key file has no card codes, so the one is named after the other. */
export function keyFileOf(path: string): string {
  return `${path}.card-keys`;
}

export function cardKeysOf(
  path: string,
  { cardKeys = [], onKeyFile }: Pick<SqliteOptions, 'cardKeys' | 'onKeyFile'>,
): readonly [CardKey, ...CardKey[]] {
  const [first, ...others] = cardKeys;
  if (path === IN_MEMORY) return first === undefined ? [newCardKey()] : [first, ...others];
  const file = keyFileOf(path);
  if (first !== undefined) return [first, ...others, ...(readCardKeys(file) ?? [])];
  const kept = keepCardKeys(file);
  onKeyFile?.(file);
  return kept;
}

/** Card codes live in it: nobody but the gateway's own user may read a database that it makes. */
function createPrivately(path: string): void {
  try {
    makeFolder(dirname(path));
    // Before SQLite makes it with a mode of its own, which its -wal and -shm files would take over too.
    // Never one that is there: to close it would take off the locks of another store in this process.
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (systemCodeOf(error) !== 'EEXIST') throw asOpenError(error, path);
  }
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
    throw new StoreOpenError(`${path} is a folder: choose a file in it as DATABASE_URL`);
  }
}

/** Node's own recursive mkdir never returns where the kernel refuses with ENOENT, as below `/proc`. */
function makeFolder(folder: string): void {
  if (existsSync(folder) || dirname(folder) === folder) return;
  makeFolder(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another process that opens the same database may have been faster.
    if (systemCodeOf(error) !== 'EEXIST') throw error;
  }
}

/**
 * Gives the log's identity. Each transaction takes the lock at its start: of two processes that open a
 * new database at once, the second finds all of it made.
 */
function prepareDatabase(
  database: Database.Database,
  { path, newLogId }: { readonly path: string; readonly newLogId: () => string },
): string {
  database.transaction(() => migrate(database, path)).immediate();
  // Only now: another program's database is left as it is.
  writeAhead(database);
  // A snapshot that a client has seen must not be unsaid by a power cut.
  database.pragma('synchronous = FULL');
  database.pragma(`mmap_size = ${MAPPED_BYTES}`);
  return database.transaction(() => agreeOnLogId(database, newLogId)).immediate();
}

/**
 * SQLite does not wait for a lock while it changes the journal: of several processes that open a new
 * database at once, some are told that it is busy. One of them has changed it by then or is about to.
 *
 * Whoever comes second is also left with a read lock, on which its own checkpoints would wait. The next
 * transaction takes it off.
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

/** Always writes, so that a database that cannot be written is found out here and not at the first poll. */
function agreeOnLogId(database: Database.Database, newLogId: () => string): string {
  const noted = database.prepare('SELECT id FROM log WHERE only = 1').pluck().get();
  const logId = typeof noted === 'string' ? noted : newLogId();
  database.prepare('INSERT OR REPLACE INTO log (only, id) VALUES (1, ?)').run(logId);
  return logId;
}

function asOpenError(error: unknown, path: string): unknown {
  if (error instanceof StoreOpenError) return error;
  const code = sqliteErrorOf(error)?.code ?? systemCodeOf(error);
  if (code === undefined) return error;
  return new StoreOpenError(`${path} ${complaint(code)} (${code})`, { cause: error });
}

function systemCodeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}

/** What is the matter with a path, and what to do. SQLite's codes are matched without their extensions. */
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
