import { createRequire } from 'node:module';

/**
 * Drizzle, by its CommonJS build. Node looks its package.json (130 kB) up anew for every ES module of it:
 * importing those takes 0.9 s of every start, requiring these 0.1 s. Everything of Drizzle that runs comes
 * through here, since the two builds do not know each other's classes.
 */
const require = createRequire(import.meta.url);

const orm: typeof import('drizzle-orm') = require('drizzle-orm');
const core: typeof import('drizzle-orm/sqlite-core') = require('drizzle-orm/sqlite-core');
const driver: typeof import('drizzle-orm/better-sqlite3') = require('drizzle-orm/better-sqlite3');
const errors: typeof import('drizzle-orm/errors') = require('drizzle-orm/errors');
const migrator: typeof import('drizzle-orm/migrator') = require('drizzle-orm/migrator');

export const { and, asc, count, desc, eq, getTableColumns, gt, gte, isNotNull, lt, lte, sql } = orm;
export const { index, integer, primaryKey, real, sqliteTable, text } = core;
export const { drizzle } = driver;
export const { DrizzleError, DrizzleQueryError } = errors;
export const { readMigrationFiles } = migrator;
