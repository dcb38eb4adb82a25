import Database from 'better-sqlite3';
import { StoreError, storeClosed } from '../errors.ts';
import { DrizzleError, DrizzleQueryError } from './drizzle.ts';

type SqliteError = InstanceType<typeof Database.SqliteError>;

/**
 * Runs `work` and converts errors of SQLite and of Drizzle into a `StoreError`. Other errors, such as a planner's own,
 * pass unchanged.
 *
 * Drizzle's errors quote the SQL and its parameters, card codes among them, so they are dropped. SQLite's errors name
 * tables and columns at most, and are kept as the cause.
 *
 * @throws StoreError also if the database is closed.
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

/** SQLite's own error, unwrapped from Drizzle's if necessary; `undefined` if there is none. */
export function sqliteErrorOf(error: unknown): SqliteError | undefined {
  if (error instanceof Database.SqliteError) return error;
  return isDrizzleError(error) ? sqliteErrorOf(error.cause) : undefined;
}

function isDrizzleError(
  error: unknown,
): error is InstanceType<typeof DrizzleError | typeof DrizzleQueryError> {
  return error instanceof DrizzleError || error instanceof DrizzleQueryError;
}
