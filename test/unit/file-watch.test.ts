import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { FileWatch } from '../../src/store/sqlite/file-watch.ts';
import { test } from '../conformance/sqlite/folder.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { recordingLogger } from '../support/recording-logger.ts';

function watch(url: string) {
  const [clock, logger] = [new ManualClock(), recordingLogger()];
  const fileWatch = new FileWatch({ url, clock, logger });
  fileWatch.start();
  return { clock, logger, fileWatch };
}

const LOST = {
  level: 'error',
  message: expect.stringMatching(/^the database file was deleted or replaced/),
};

describe.skipIf(process.platform === 'win32')('a database file', () => {
  test('is in its place while it is written', async ({ open, path }) => {
    const store = await open();
    const { clock, logger, fileWatch } = watch(`file:${path}`);
    await store.note('a', 'b');
    await clock.advance(3_600_000);
    expect(fileWatch.isInPlace()).toBe(true);
    expect(logger.lines).toEqual([]);
  });

  test.for([
    ['is deleted', (path: string) => rmSync(path)],
    [
      'is replaced',
      (path: string) => {
        writeFileSync(`${path}.new`, '');
        renameSync(`${path}.new`, path);
      },
    ],
    [
      'is moved away with its folder, and a file is put there',
      (_path: string, folder: string) => {
        renameSync(folder, `${folder}.old`);
        writeFileSync(folder, '');
      },
    ],
  ] as const)(
    '%s: told once, within a minute, though nobody asks',
    async ([, lose], { open, path, folder }) => {
      await open();
      const { clock, logger, fileWatch } = watch(`file:${path}`);
      lose(path, folder);
      await clock.advance(60_000);
      expect(logger.lines).toMatchObject([{ ...LOST, fields: { database: path } }]);
      await clock.advance(3_600_000);
      expect(fileWatch.isInPlace()).toBe(false);
      expect(logger.lines).toHaveLength(1);
      rmSync(`${folder}.old`, { recursive: true, force: true });
    },
  );

  test('is put back: told once too', async ({ open, path }) => {
    await open();
    const { logger, fileWatch } = watch(`file:${path}`);
    renameSync(path, `${path}.away`);
    expect(fileWatch.isInPlace()).toBe(false);
    renameSync(`${path}.away`, path);
    expect([fileWatch.isInPlace(), fileWatch.isInPlace()]).toEqual([true, true]);
    expect(logger.lines).toMatchObject([
      LOST,
      { level: 'info', message: 'the database file is back in its place' },
    ]);
  });

  test('is not looked at once nobody watches', async ({ open, path }) => {
    await open();
    const { clock, logger, fileWatch } = watch(`file:${path}`);
    fileWatch.stop();
    rmSync(path);
    await clock.advance(3_600_000);
    expect(logger.lines).toEqual([]);
  });
});

test('a database in memory is always in its place', () => {
  expect(watch('file::memory:').fileWatch.isInPlace()).toBe(true);
});
