import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { test } from './sqlite/folder.ts';
import {
  append,
  COMPLETE,
  inOneSecond,
  ORDER,
  observed,
  T0,
  versions,
} from './store/observations.ts';

const EVERYTHING = { limit: 1_000, from: 'oldest' } as const;

describe('a SQLite file', () => {
  test('keeps everything over a restart', async ({ open }) => {
    const before = await open();
    await append(before, { count: 3 });
    await before.record(observed({ ...COMPLETE, observedAt: T0 + 4 }), inOneSecond);
    await before.reschedule(ORDER, { dueAt: T0 + 77, failures: 2, trackedSince: T0 + 66 });
    await before.note('breaker', 'open');
    const kept = {
      logId: before.logId,
      order: await before.find(ORDER),
      log: await before.read(ORDER, EVERYTHING),
      census: await before.census({ overdueBefore: T0 + 1 }),
    };
    await before.close();

    const after = await open();
    expect({
      logId: after.logId,
      order: await after.find(ORDER),
      log: await after.read(ORDER, EVERYTHING),
      census: await after.census({ overdueBefore: T0 + 1 }),
    }).toEqual(kept);
    expect(await after.recall('breaker')).toBe('open');
    expect(await after.due({ before: T0 + 77, limit: 1 })).toHaveLength(1);
    expect(await after.due({ before: T0 + 76, limit: 1 })).toEqual([]);
    const { appended } = await after.record(
      observed({ ref: 'new', observedAt: T0 + 9 }),
      inOneSecond,
    );
    expect(appended?.version).toBe(5);
  });

  test('has what was recorded although the process never closed it', async ({ open }) => {
    await append(await open(), { count: 3 });
    const another = await open();
    expect(versions(await another.read(ORDER, EVERYTHING))).toEqual([1, 2, 3]);
  });

  test('leaves nothing beside it once closed, but the keys of its card codes', async ({
    open,
    folder,
  }) => {
    const store = await open();
    await append(store, { count: 20 });
    await store.close();
    expect(readdirSync(folder)).toEqual(['gateway.db', 'gateway.db.card-keys']);
  });

  test('is made with its folder', async ({ open, folder }) => {
    await open({ url: `file:${join(folder, 'a/b/gateway.db')}` });
    expect(existsSync(join(folder, 'a/b/gateway.db'))).toBe(true);
  });

  test('may be named by a file:// URL, spaces and all', async ({ open, folder }) => {
    await open({ url: `file://${folder}/two%20words.db` });
    expect(existsSync(join(folder, 'two words.db'))).toBe(true);
  });

  test.skipIf(process.platform === 'win32')(
    'is its owner’s alone, with all that lies beside it (skipped on Windows, which has no such modes)',
    async ({ open, folder }) => {
      await append(await open(), { count: 1 });
      const modes = readdirSync(folder).map((file) => {
        const mode = statSync(join(folder, file)).mode & 0o777;
        return `${file} ${mode.toString(8)}`;
      });
      expect(modes.toSorted()).toEqual([
        'gateway.db 600',
        'gateway.db-shm 600',
        'gateway.db-wal 600',
        'gateway.db.card-keys 600',
      ]);
    },
  );

  test.skipIf(process.platform === 'win32')(
    'is in a folder that is its owner’s alone, if it was made with it (skipped on Windows, which has no such modes)',
    async ({ open, folder }) => {
      await open({ url: `file:${join(folder, 'a/b/gateway.db')}` });
      const modes = ['a', 'a/b'].map((made) => statSync(join(folder, made)).mode & 0o777);
      expect(modes).toEqual([0o700, 0o700]);
    },
  );
});
