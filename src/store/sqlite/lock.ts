import { realpathSync } from 'node:fs';
import Database from 'better-sqlite3';
import { StoreOpenError } from '../errors.ts';
import { sqliteErrorOf } from './faults.ts';
import { databasePath, IN_MEMORY } from './location.ts';
import { asOpenError } from './open-error.ts';
import { createPrivately } from './private-file.ts';

/** How long a previous gateway process that was told to stop may take to release the lock. */
const PATIENCE_MS = 5_000;

/**
 * Locks a database against other gateways for as long as this process lives. A second gateway would poll the same
 * orders with a budget of its own, and neither would be notified of the other's appends.
 *
 * To be called before the database is opened: opening it migrates it and notes the card keys, and neither must happen
 * to the database of a gateway that goes on.
 *
 * The lock is held on an empty SQLite file beside the database. So the operating system releases it, however the
 * process ends, and tools may still open the database itself.
 *
 * @returns a function that releases the lock.
 * @throws StoreOpenError if another gateway holds the lock, or its file cannot be made.
 */
export function lockDatabase(url: string): () => void {
  const path = databasePath(url);
  if (path === IN_MEMORY) return () => undefined;
  createPrivately(path);
  // One lock for all links to a database.
  const file = `${realpathSync(path)}.lock`;
  let lock: Database.Database | undefined;
  // SQLite opens a file that it cannot write for reading alone, and then locks nothing.
  createPrivately(file);
  try {
    lock = new Database(file, { timeout: PATIENCE_MS });
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock?.close();
    if (sqliteErrorOf(error)?.code !== 'SQLITE_BUSY') throw asOpenError(error, file);
    throw new StoreOpenError(
      `${path} is in use by another gateway: stop that one, or choose another DATABASE_URL`,
      { cause: error },
    );
  }
  const held = lock;
  return () => void held.close();
}
