import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { StoreOpenError } from '../errors.ts';
import { readMigrationFiles } from './drizzle.ts';

const MIGRATIONS_FOLDER = join(import.meta.dirname, '../../../drizzle/sqlite');

/**
 * Brings the schema up to date, within the caller's transaction, and records that in Drizzle's own table.
 *
 * Drizzle's migrator is not used, for three reasons: it silently accepts a database of a newer version, it silently
 * skips a migration older than the last applied one, and if two processes open a new database at once, it fails in
 * one of them. Its migration files and its table are used, so that Drizzle's tools still work.
 *
 * @throws StoreOpenError for a database of another program, of a newer version or with another history.
 */
export function migrate(database: Database.Database, path: string): void {
  const migrations = readMigrationFiles({ migrationsFolder: MIGRATIONS_FOLDER });
  refuseForeign(database, path);
  database.exec(
    'CREATE TABLE IF NOT EXISTS __drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric)',
  );
  const applied = appliedMigrations(database);
  refuseOtherHistory(
    applied,
    migrations.map(({ folderMillis }) => folderMillis),
    path,
  );
  const applying = database.prepare(
    'INSERT INTO __drizzle_migrations (hash, created_at) VALUES (?, ?)',
  );
  for (const { sql, hash, folderMillis } of migrations.slice(applied.length)) {
    for (const statement of sql) database.exec(statement);
    applying.run(hash, folderMillis);
  }
}

function refuseForeign(database: Database.Database, path: string): void {
  const query = "SELECT name FROM sqlite_schema WHERE type = 'table'";
  const tables = database.prepare(query).pluck().all();
  const isNew = tables.length === 0;
  if (isNew || tables.includes('__drizzle_migrations')) return;
  throw new StoreOpenError(
    `${path} is the database of another program: choose another DATABASE_URL`,
    { isMisconfigured: true },
  );
}

/**
 * The creation times of the applied migrations, in the order in which they were applied. The creation time identifies
 * a migration: its hash would change with the line endings of a checkout.
 */
function appliedMigrations(database: Database.Database): readonly number[] {
  return database
    .prepare('SELECT created_at FROM __drizzle_migrations ORDER BY rowid')
    .pluck()
    .all()
    .map(Number);
}

function refuseOtherHistory(
  applied: readonly number[],
  known: readonly number[],
  path: string,
): void {
  if (applied.some((madeAt) => !known.includes(madeAt))) {
    throw new StoreOpenError(
      `${path} was written by a newer version of the gateway: upgrade this one, or choose another DATABASE_URL`,
    );
  }
  if (applied.some((madeAt, index) => madeAt !== known[index])) {
    throw new StoreOpenError(
      `${path} was migrated in another order than this version's: run the version that wrote it, or choose another DATABASE_URL`,
    );
  }
}
