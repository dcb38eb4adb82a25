import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/gateway-process.ts';

const run = promisify(execFile);

const command = (name: string, args: readonly string[], { path }: TemporaryFolder) =>
  run(
    process.execPath,
    [new URL(`../../src/commands/${name}.ts`, import.meta.url).pathname, ...args],
    {
      cwd: path,
      env: { ...process.env, DATABASE_URL: `file:${join(path, 'gateway.db')}` },
    },
  );

describe.each(['prune', 'rekey', 'ticket'])('npm run %s', (name) => {
  it.each(['--help', '-h'])('tells with %s how it is called, and does nothing', async (flag) => {
    await using folder = await temporaryFolder();
    expect(await command(name, [flag], folder)).toEqual({
      stdout: expect.stringMatching(new RegExp(`^usage: npm run ${name}`)),
      stderr: '',
    });
    expect(existsSync(join(folder.path, 'gateway.db'))).toBe(false);
  });
});

describe('npm run rekey', () => {
  it.each(['--dry-run', 'gateway.db'])('does nothing where it is given %s', async (argument) => {
    await using folder = await temporaryFolder();
    await (await openSqliteStore({ url: `file:${join(folder.path, 'gateway.db')}` })).close();
    await expect(command('rekey', [argument], folder)).rejects.toMatchObject({
      code: 64,
      stdout: '',
      stderr: expect.stringContaining('usage: npm run rekey'),
    });
  });
});
