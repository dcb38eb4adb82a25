import { createRequire } from 'node:module';

/**
 * Loads Drizzle's CommonJS build. Node reads Drizzle's package.json (130 kB) again for each of its ES modules, so
 * importing the ES build adds half a second or more to a start from the sources, requiring the CommonJS build a tenth
 * of a second. All runtime imports of Drizzle must come from this module, since the classes of the two builds are not
 * the same.
 */
const require = createRequire(import.meta.url);

const orm: typeof import('drizzle-orm') = require('drizzle-orm');
const core: typeof import('drizzle-orm/sqlite-core') = require('drizzle-orm/sqlite-core');
const driver: typeof import('drizzle-orm/better-sqlite3') = require('drizzle-orm/better-sqlite3');
const errors: typeof import('drizzle-orm/errors') = require('drizzle-orm/errors');
const migrator: typeof import('drizzle-orm/migrator') = require('drizzle-orm/migrator');

export const { and, asc, count, desc, eq, getTableColumns, gt, gte, isNotNull, lt, lte, or, sql } =
  orm;
export const { index, integer, primaryKey, real, sqliteTable, text } = core;
export const { drizzle } = driver;
export const { DrizzleError, DrizzleQueryError } = errors;
export const { readMigrationFiles } = migrator;
