import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { StartupError } from '../errors.ts';
import { databasePath, IN_MEMORY } from '../store/sqlite/location.ts';

/** How long to wait for a gateway that has the database locked. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * Opens the gateway's database, while a gateway may be running on it.
 *
 * @throws StartupError if there is no database, or it belongs to another program.
 */
export function openExisting(url: string): Database.Database {
  const path = databasePath(url);
  if (path === IN_MEMORY || !existsSync(path)) {
    throw new StartupError(`${path} is no file: DATABASE_URL must name the gateway's database`);
  }
  const database = new Database(path, { timeout: BUSY_TIMEOUT_MS, fileMustExist: true });
  try {
    const tables = database
      .prepare("SELECT count(*) FROM sqlite_schema WHERE name IN ('orders', 'snapshots', 'log')")
      .pluck()
      .get();
    if (tables !== 3) throw new StartupError(`${path} is not a database of the gateway`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Pauses for as long as a transaction held the lock. SQLite's lock has no queue: without a pause, the next transaction
 * might take the lock before the gateway can.
 */
export function yieldLock(heldMs: number): Promise<void> {
  return setTimeout(Math.max(1, heldMs));
}
