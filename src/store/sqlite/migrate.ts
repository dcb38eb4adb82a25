import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { StoreOpenError } from '../errors.ts';
import { readMigrationFiles } from './drizzle.ts';

const MIGRATIONS_FOLDER = join(import.meta.dirname, '../../../drizzle/sqlite');

/**
 * Brings the schema up to date, within the caller's transaction, and keeps Drizzle's own record of it.
 *
 * Drizzle's migrator is not used for three things that it does without a word: it runs on a database of
 * a newer version, it skips a migration older than the last applied, and of two processes that open a
 * new database at once it fails one. Its files and its table are, so that Drizzle's tools still fit.
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
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  const isNew = tables.length === 0;
  const isOurs = tables.some((table) => hasName(table, '__drizzle_migrations'));
  if (isNew || isOurs) return;
  throw new StoreOpenError(
    `${path} is the database of another program: choose another DATABASE_URL`,
  );
}

function hasName(row: unknown, name: string): boolean {
  return typeof row === 'object' && row !== null && 'name' in row && row.name === name;
}

/**
 * When each applied migration was made, in the order of their application. A migration is known by that
 * time: its hash would change with the line endings of a checkout.
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
