import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect } from 'vitest';
import { test } from './sqlite/folder.ts';
import { ORDER, versions } from './store/observations.ts';

const APPENDER = join(import.meta.dirname, 'sqlite/appender.ts');
const PROCESSES = 3;
const APPENDS = 30;
const ALL = Array.from({ length: PROCESSES * APPENDS }, (_, index) => index + 1);

/** Lets several processes go at the same moment; gives what each reports, and its exit code. */
async function appendFromProcesses(url: string) {
  const children = Array.from({ length: PROCESSES }, (_, index) =>
    fork(APPENDER, [url, `process${index}`, `${APPENDS}`], { execArgv: [] }),
  );
  await Promise.all(children.map((child) => once(child, 'message')));
  return Promise.all(
    children.map(async (child) => {
      const reported = once(child, 'message').then(([message]) => message);
      const exited = once(child, 'exit').then(([code]) => code);
      child.send('go');
      return { report: await Promise.race([reported, exited]), exitCode: await exited };
    }),
  );
}

describe('several processes on one database', () => {
  test('open a new one at once and append at once: one log, no version twice, none missing', async ({
    open,
    path,
    folder,
  }) => {
    const outcomes = await appendFromProcesses(`file:${path}`);
    const store = await open();
    expect(outcomes).toEqual(
      Array.from({ length: PROCESSES }, () => ({ report: { logId: store.logId }, exitCode: 0 })),
    );
    const log = await store.read(ORDER, { limit: 1_000, from: 'oldest' });
    expect(versions(log)).toEqual(ALL);
    expect(new Set(log.map(({ ref }) => ref)).size).toBe(ALL.length);
    expect((await store.find(ORDER))?.latest).toEqual(log.at(-1));
    await store.close();
    expect(readdirSync(folder)).toEqual(['gateway.db', 'gateway.db.card-keys']);
  });

  test('a reader of a cursor meanwhile sees each version once, in order', async ({
    open,
    path,
  }) => {
    const store = await open();
    let writing = true;
    const writers = appendFromProcesses(`file:${path}`).finally(() => {
      writing = false;
    });
    const seen: number[] = [];
    const readOn = async () => {
      const range = { after: seen.at(-1) ?? 0, limit: 7, from: 'oldest' } as const;
      const found = versions(await store.read(ORDER, range));
      seen.push(...found);
      return found.length;
    };
    while (writing) {
      await readOn();
      // A turn of the event loop, so that word of the writers can come in.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await writers;
    while ((await readOn()) > 0);
    expect(seen).toEqual(ALL);
  });

  test('opening one does not take off the lock of another connection here', async ({
    open,
    path,
  }) => {
    const other = new Database(path);
    other.exec('BEGIN EXCLUSIVE');
    await expect(open({ busyTimeoutMs: 0 })).rejects.toThrow('SQLITE_BUSY');
    expect(lockFromAnotherProcess(path)).toBe('SQLITE_BUSY');
    other.close();
    expect(lockFromAnotherProcess(path)).toBe('locked');
  });
});

/**
 * Where a process closes any handle of a file, the system takes off all its locks on that file: only
 * another process can tell.
 */
function lockFromAnotherProcess(path: string): string {
  const script = `
    const Database = require('better-sqlite3');
    try {
      new Database(process.argv[1], { timeout: 0 }).exec('BEGIN IMMEDIATE');
      process.stdout.write('locked');
    } catch (error) {
      process.stdout.write(error.code);
    }`;
  return execFileSync(process.execPath, ['-e', script, path], { encoding: 'utf8' });
}
