import Database from 'better-sqlite3';
import { StoreError, storeClosed } from '../errors.ts';
import { DrizzleError, DrizzleQueryError } from './drizzle.ts';

type SqliteError = InstanceType<typeof Database.SqliteError>;

/**
 * Runs one piece of database work and gives the engine's faults as a `StoreError`. Other errors, such as
 * a planner's own, pass as they are.
 *
 * Drizzle's errors quote the SQL and its parameters, card codes among them, so they end here. SQLite's
 * own name tables and columns at most, and are kept as the cause.
 */
export function withStoreErrors<T>(
  { database, verb }: { readonly database: Database.Database; readonly verb: string },
  work: () => T,
): T {
  if (!database.open) throw storeClosed();
  try {
    return work();
  } catch (error) {
    const fault = sqliteErrorOf(error);
    if (fault !== undefined) {
      const message = `the snapshot log could not be ${verb} (${fault.code})`;
      throw new StoreError(fault.code, message, { cause: fault });
    }
    if (isDrizzleError(error)) {
      throw new StoreError('UNKNOWN', `the snapshot log could not be ${verb}`);
    }
    throw error;
  }
}

/** SQLite's own error, out of Drizzle's wrapping if need be. */
export function sqliteErrorOf(error: unknown): SqliteError | undefined {
  if (error instanceof Database.SqliteError) return error;
  return isDrizzleError(error) ? sqliteErrorOf(error.cause) : undefined;
}

function isDrizzleError(
  error: unknown,
): error is InstanceType<typeof DrizzleError | typeof DrizzleQueryError> {
  return error instanceof DrizzleError || error instanceof DrizzleQueryError;
}
