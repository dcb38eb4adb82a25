import Database from 'better-sqlite3';
import { StoreOpenError } from '../errors.ts';
import { sqliteErrorOf } from './faults.ts';
import { databasePath, IN_MEMORY } from './location.ts';

/** How long a previous gateway process that was told to stop may take to release the lock. */
const PATIENCE_MS = 5_000;

/**
 * Locks a database against other gateways for as long as this process lives. A second gateway would poll the same
 * orders with a budget of its own, and neither would be notified of the other's appends.
 *
 * The lock is held on an empty SQLite file beside the database. So the operating system releases it, however the
 * process ends, and tools may still open the database itself.
 *
 * @returns a function that releases the lock.
 * @throws StoreOpenError if another gateway holds the lock.
 */
export function lockDatabase(url: string): () => void {
  const path = databasePath(url);
  if (path === IN_MEMORY) return () => undefined;
  const lock = new Database(`${path}.lock`, { timeout: PATIENCE_MS });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (sqliteErrorOf(error)?.code !== 'SQLITE_BUSY') throw error;
    throw new StoreOpenError(
      `${path} is in use by another gateway: stop that one, or choose another DATABASE_URL`,
      { cause: error },
    );
  }
  return () => lock.close();
}
