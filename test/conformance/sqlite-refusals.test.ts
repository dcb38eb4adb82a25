import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import Database from 'better-sqlite3';
import { describe, expect } from 'vitest';
import { CardCodes } from '../../src/cards/card-codes.ts';
import { CARD_KEYS_EXPECTED, newCardKey } from '../../src/cards/card-keys.ts';
import { lockDatabase } from '../../src/store/sqlite/lock.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import { test } from './sqlite/folder.ts';
import { COMPLETE, inOneSecond, ORDER, observed, T0 } from './store/observations.ts';

function run(path: string, sql: string): void {
  const database = new Database(path);
  database.exec(sql);
  database.close();
}

function refusal(message: string) {
  return expect.objectContaining({ name: 'StoreOpenError', message });
}

describe('opening refuses, in one line that says what to do,', () => {
  test('a database of a newer version, and leaves it as it is', async ({ open, path }) => {
    await (await open()).close();
    run(path, "INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('f', 9999999999999)");
    const before = readFileSync(path);
    await expect(open()).rejects.toEqual(
      refusal(
        `${path} was written by a newer version of the gateway: upgrade this one, or choose another DATABASE_URL`,
      ),
    );
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('a database whose migrations were applied in another order', async ({ open, path }) => {
    await (await open()).close();
    run(path, 'INSERT INTO __drizzle_migrations SELECT * FROM __drizzle_migrations');
    await expect(open()).rejects.toEqual(
      refusal(
        `${path} was migrated in another order than this version's: run the version that wrote it, or choose another DATABASE_URL`,
      ),
    );
  });

  test('a database of another program, and leaves it as it is', async ({ open, path }) => {
    run(path, 'CREATE TABLE songs (title text)');
    const before = readFileSync(path);
    await expect(open()).rejects.toEqual(
      refusal(`${path} is the database of another program: choose another DATABASE_URL`),
    );
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('a file of card keys that holds something else, or cannot be read', async ({
    open,
    path,
  }) => {
    writeFileSync(`${path}.card-keys`, 'a shopping list');
    await expect(open()).rejects.toEqual(
      refusal(`${path}.card-keys must hold ${CARD_KEYS_EXPECTED}: restore it from a backup`),
    );
    rmSync(`${path}.card-keys`);
    mkdirSync(`${path}.card-keys`);
    await expect(open()).rejects.toEqual(
      refusal(`${path}.card-keys holds the keys of the card codes and cannot be read (EISDIR)`),
    );
  });

  test('a file that is no database, and leaves it as it is', async ({ open, path }) => {
    writeFileSync(path, 'a shopping list');
    await expect(open()).rejects.toEqual(
      refusal(`${path} is not a SQLite database: choose another DATABASE_URL (SQLITE_NOTADB)`),
    );
    expect(readFileSync(path, 'utf8')).toBe('a shopping list');
  });

  test('a folder', async ({ open, folder }) => {
    await expect(open({ url: `file:${folder}` })).rejects.toEqual(
      refusal(`${folder} is a folder: choose a file in it as DATABASE_URL`),
    );
  });

  test('a path below a file', async ({ open, path }) => {
    writeFileSync(path, '');
    const below = join(path, 'gateway.db');
    await expect(open({ url: `file:${below}` })).rejects.toEqual(
      refusal(`${below} lies below a file: choose another DATABASE_URL (ENOTDIR)`),
    );
  });

  test('a database that another program has locked', async ({ open, path }) => {
    const other = new Database(path);
    other.exec('BEGIN EXCLUSIVE');
    await expect(open({ busyTimeoutMs: 0 })).rejects.toEqual(
      refusal(`${path} is locked by another program: stop that one (SQLITE_BUSY)`),
    );
    other.close();
    await open({ busyTimeoutMs: 0 });
  });

  test('a database whose journal cannot be written, also as root', async ({ open, path }) => {
    await (await open()).close();
    mkdirSync(`${path}-wal`);
    const error = await open().catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      name: 'StoreOpenError',
      message: expect.stringContaining(`${path} cannot be written: give the gateway write access`),
      cause: expect.any(Database.SqliteError),
    });
  });

  test.skipIf(process.getuid?.() === 0)(
    'a read-only file (skipped for root, whom modes do not stop)',
    async ({ open, path }) => {
      await (await open()).close();
      chmodSync(path, 0o400);
      await expect(open()).rejects.toThrow(`${path} cannot be written: give the gateway`);
    },
  );

  test.skipIf(process.getuid?.() === 0)(
    'a folder of somebody else, and says that it lasts (skipped for root, whom modes do not stop)',
    async ({ open, folder, path }) => {
      chmodSync(folder, 0o500);
      const error = await open().catch((reason: unknown) => reason);
      chmodSync(folder, 0o700);
      expect(error).toMatchObject({
        message: expect.stringContaining(`${path} cannot be written: give the gateway`),
        isMisconfigured: true,
      });
    },
  );

  test.skipIf(process.getuid?.() === 0)(
    'a lock that somebody else has made (skipped for root, whom modes do not stop)',
    async ({ open, path }) => {
      await (await open()).close();
      writeFileSync(`${path}.lock`, '', { mode: 0o400 });
      expect(() => lockDatabase(`file:${path}`)).toThrow(`${path}.lock cannot be written: give`);
    },
  );

  test('a folder that cannot be made', async ({ open }) => {
    if (!existsSync('/proc/self')) return;
    await expect(open({ url: 'file:/proc/gateway/gateway.db' })).rejects.toThrow(
      '/proc/gateway/gateway.db cannot be written: give the gateway write access',
    );
  });

  test.for([
    [
      'postgres://merchant:s3cret@db/gateway',
      'DATABASE_URL must be file:<path> or file::memory:, got a postgres: URL',
    ],
    [
      'gateway.db',
      'DATABASE_URL must be file:<path> or file::memory:, got a text without a scheme',
    ],
    ['file:', 'DATABASE_URL names no file: expected file:<path> or file::memory:'],
    [
      'file:x.db?mode=ro',
      'DATABASE_URL takes no options: expected file:<path> without a "?", got file:x.db?mode=ro',
    ],
    [
      'file://host/x.db',
      'DATABASE_URL names no file on this machine: expected file:<path> or file:///<path>, got file://host/x.db',
    ],
  ] as const)('the URL %s', async ([url, message], { open }) => {
    await expect(open({ url })).rejects.toEqual(refusal(message));
  });
});

describe('a write that fails', () => {
  /** A disk that is full, as far as this connection can tell. */
  function openFull(path: string): { store: SqliteStore; makeRoom(): void } {
    const database = new Database(path);
    database.pragma('max_page_count = 1');
    return {
      store: new SqliteStore(database, { logId: 'log', cards: new CardCodes([newCardKey()]) }),
      makeRoom: () => database.pragma('max_page_count = 100000'),
    };
  }

  const huge = observed({ ...COMPLETE, refundMessage: 'x'.repeat(100_000), observedAt: T0 + 1 });

  test('says so by SQLite’s code, and holds nothing of what was to be written', async ({
    open,
    path,
  }) => {
    await (await open()).close();
    const { store } = openFull(path);
    const error = await store.record(huge, inOneSecond).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      name: 'StoreError',
      code: 'SQLITE_FULL',
      message: 'the snapshot log could not be written (SQLITE_FULL)',
    });
    const everything = inspect(error, { depth: null, showHidden: true, maxStringLength: null });
    expect(everything).not.toContain(COMPLETE.cardCode);
    expect(everything).not.toMatch(/insert|update|select/i);
    await store.close();
  });

  test('leaves the log as it was, rings no bell, and the next one goes on', async ({
    open,
    path,
  }) => {
    const first = await open();
    const { order } = await first.record(observed(), inOneSecond);
    await first.close();
    const { store, makeRoom } = openFull(path);
    let rings = 0;
    store.onAppend(ORDER, () => {
      rings += 1;
    });
    await expect(store.record(huge, inOneSecond)).rejects.toThrow('SQLITE_FULL');
    expect(await store.find(ORDER)).toEqual(order);
    expect(rings).toBe(0);
    makeRoom();
    expect((await store.record(huge, inOneSecond)).appended?.version).toBe(2);
    await store.close();
  });

  test('says so too where the row is refused', async ({ open, path }) => {
    const store = await open();
    run(
      path,
      "CREATE TRIGGER refuse BEFORE INSERT ON snapshots BEGIN SELECT RAISE(ABORT, 'refused'); END",
    );
    const error = await store.record(observed(COMPLETE), inOneSecond).catch((e: unknown) => e);
    expect(error).toMatchObject({ name: 'StoreError', code: 'SQLITE_CONSTRAINT_TRIGGER' });
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain(COMPLETE.cardCode);
  });

  test('a read that fails says so', async ({ open, path }) => {
    const store = await open();
    run(path, 'DROP TABLE notes');
    await expect(store.recall('x')).rejects.toEqual(
      expect.objectContaining({
        name: 'StoreError',
        message: 'the snapshot log could not be read (SQLITE_ERROR)',
      }),
    );
  });
});

test.skipIf(process.platform === 'win32')(
  'a database is locked beside its file, whatever link leads to it',
  async ({ open, folder, path }) => {
    await (await open()).close();
    const link = join(folder, 'link.db');
    symlinkSync(path, link);
    const release = lockDatabase(`file:${link}`);
    expect([existsSync(`${path}.lock`), existsSync(`${link}.lock`)]).toEqual([true, false]);
    release();
  },
);
