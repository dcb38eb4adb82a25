import Database from 'better-sqlite3';
import { StoreOpenError } from '../errors.ts';
import { sqliteErrorOf } from './faults.ts';
import { databasePath, IN_MEMORY } from './location.ts';

/** As long as a predecessor that was told to stop may take to let go. */
const PATIENCE_MS = 5_000;

/**
 * Keeps other gateways off a database for as long as this process lives. A second one would poll the same
 * orders with a budget of its own, and neither would hear the other's appends.
 *
 * The lock is that of an empty SQLite file beside the database, so the operating system takes it off,
 * however the process ends, and tools may still open the database itself.
 *
 * @returns what lets go.
 * @throws StoreOpenError where another gateway has it.
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
