import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import type { CardKey } from '../../src/cards/card-codes.ts';
import { newCardKey } from '../../src/cards/card-keys.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/gateway-process.ts';
import { ORDER_ID, observation } from '../support/observations.ts';
import { SECRET } from '../support/tickets.ts';

const run = promisify(execFile);

const urlIn = ({ path }: TemporaryFolder) => `file:${join(path, 'gateway.db')}`;

/** Runs a command in a folder, with these variables beside those of the tests. */
const command = (
  folder: TemporaryFolder,
  [name, ...args]: readonly string[],
  variables: Readonly<Record<string, string>> = {},
) =>
  run(
    process.execPath,
    [new URL(`../../src/commands/${name}.ts`, import.meta.url).pathname, ...args],
    {
      cwd: folder.path,
      env: { ...process.env, DATABASE_URL: urlIn(folder), ...variables },
    },
  );

describe.each(['prune', 'rekey', 'ticket'])('npm run %s', (name) => {
  it.each(['--help', '-h'])('tells with %s how it is called, and does nothing', async (flag) => {
    await using folder = await temporaryFolder();
    expect(await command(folder, [name, flag])).toEqual({
      stdout: expect.stringMatching(new RegExp(`^usage: npm run ${name}`)),
      stderr: '',
    });
    expect(existsSync(join(folder.path, 'gateway.db'))).toBe(false);
  });
});

it('a .env that cannot be read is told of in one line', async () => {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, '.env'));
  await expect(command(folder, ['ticket', '--topup', ORDER_ID])).rejects.toMatchObject({
    code: 78,
    stdout: '',
    stderr: expect.stringMatching(/^ticket: .*\.env cannot be read: .*\n$/),
  });
});

describe.each([['prune', '--older-than', '90d'], ['rekey']])('npm run %s', (...line) => {
  it("refuses another program's database, and leaves it as it is", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'gateway.db');
    new Database(path).exec('CREATE TABLE orders (id); CREATE TABLE log (line)').close();
    const before = await readFile(path);
    await expect(command(folder, line)).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: `${line[0]}: ${path} is not a database of the gateway\n`,
    });
    expect(await readFile(path)).toEqual(before);
    expect(existsSync(`${path}.card-keys`)).toBe(false);
  });

  it('refuses a database in memory, since there is none that a gateway has', async () => {
    await using folder = await temporaryFolder();
    await expect(command(folder, line, { DATABASE_URL: 'file::memory:' })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(':memory: is no file'),
    });
  });

  it('says what is wrong with the configuration, with the exit code for that', async () => {
    await using folder = await temporaryFolder();
    await expect(command(folder, line, { CARD_CODE_KEYS: 'none' })).rejects.toMatchObject({
      code: 78,
      stdout: '',
      stderr: expect.stringContaining('CARD_CODE_KEYS'),
    });
  });
});

describe('npm run rekey', () => {
  const [OLD, NEW] = [newCardKey(), newCardKey()];
  const asVariable = (...keys: readonly CardKey[]) => ({
    CARD_CODE_KEYS: keys
      .map(({ id, key }) => `${id}:${Buffer.from(key).toString('base64')}`)
      .join(),
  });

  /** Opens and closes the database as a gateway does that is started with these keys. */
  async function gatewayHadKeys(folder: TemporaryFolder, cardKeys: readonly CardKey[]) {
    const store = await openSqliteStore({ url: urlIn(folder), cardKeys });
    await store.close();
  }

  /** The same, and leaves a card there, which the first key encrypts. */
  async function gatewayStoredCard(folder: TemporaryFolder, cardKeys: readonly CardKey[]) {
    const store = await openSqliteStore({ url: urlIn(folder), cardKeys });
    await store.record(
      observation({ upstreamStatus: 'FULFILLED', cardCode: '918273645546' }),
      () => null,
    );
    await store.close();
  }

  it.each(['--dry-run', 'gateway.db'])('does nothing where it is given %s', async (argument) => {
    await using folder = await temporaryFolder();
    await (await openSqliteStore({ url: urlIn(folder) })).close();
    await expect(command(folder, ['rekey', argument])).rejects.toMatchObject({
      code: 64,
      stdout: '',
      stderr: expect.stringContaining('usage: npm run rekey'),
    });
  });

  it('says how many card codes it changed, and how many were changed already', async () => {
    await using folder = await temporaryFolder();
    await gatewayStoredCard(folder, [OLD]);
    await gatewayHadKeys(folder, [NEW, OLD]);
    const keys = asVariable(NEW, OLD);
    const first = await command(folder, ['rekey'], keys);
    expect(first.stdout).toMatch(/^1 card codes changed to the first key, 0 were .* already, 0 /);
    const second = await command(folder, ['rekey'], keys);
    expect(second.stdout).toMatch(/^0 card codes changed to the first key, 1 were .* already, 0 /);
  });

  it('fails where a card code cannot be read, so that nobody throws its key away', async () => {
    await using folder = await temporaryFolder();
    await gatewayStoredCard(folder, [OLD]);
    await gatewayHadKeys(folder, [NEW]);
    await expect(command(folder, ['rekey'], asVariable(NEW))).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringContaining(' 1 cannot be read with these keys'),
    });
  });

  it('refuses where there is no key, and makes none, which the next start would take for its own', async () => {
    await using folder = await temporaryFolder();
    await gatewayStoredCard(folder, [OLD]);
    await expect(command(folder, ['rekey'])).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('there is no key'),
    });
    expect(existsSync(join(folder.path, 'gateway.db.card-keys'))).toBe(false);
  });

  it('does nothing while the gateway has not been started with the new key', async () => {
    await using folder = await temporaryFolder();
    await gatewayStoredCard(folder, [OLD]);
    await expect(command(folder, ['rekey'], asVariable(NEW, OLD))).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(`was last started without the key ${NEW.id}`),
    });
    const { stdout } = await command(folder, ['rekey'], asVariable(OLD));
    expect(stdout).toMatch(/^0 card codes changed to the first key, 1 were .* already, 0 /);
  });
});

describe('npm run ticket', () => {
  const ticket = async (args: readonly string[], variables: Readonly<Record<string, string>>) => {
    await using folder = await temporaryFolder();
    const { stdout, stderr } = await command(folder, ['ticket', ...args], variables);
    expect(stderr).toBe('');
    return decodeJwt(stdout.trim());
  };

  it('names the orders, grants their status for ten minutes, and nothing else', async () => {
    const args = ['--topup', ORDER_ID, '--topup', 'another'];
    const { iat = 0, ...claims } = await ticket(args, { AUTH_JWT_SECRET: SECRET });
    expect(claims).toEqual({ topups: [ORDER_ID, 'another'], scope: 'status', exp: iat + 600 });
  });

  it('is for all orders, for as long, and by and for whom it is told', async () => {
    const { iat = 0, ...claims } = await ticket(
      ['--topup', ORDER_ID, '--topup', '*', '--scope', 'status operator', '--ttl', '2h'],
      { AUTH_JWT_SECRET: SECRET, AUTH_ISSUER: 'shop', AUTH_AUDIENCE: 'gateway' },
    );
    expect(claims).toEqual({
      topups: '*',
      scope: 'status operator',
      exp: iat + 7_200,
      iss: 'shop',
      aud: 'gateway',
    });
  });

  it('is signed with the secret in a .env file', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, '.env'), `AUTH_JWT_SECRET='${SECRET}'\n`);
    const { stdout } = await command(folder, ['ticket', '--topup', ORDER_ID]);
    expect(decodeJwt(stdout.trim())).toMatchObject({ topups: [ORDER_ID] });
  });

  it.for<[string, { readonly args: readonly string[]; readonly secret?: string | null }]>([
    ['AUTH_JWT_SECRET is not set', { args: ['--topup', ORDER_ID], secret: null }],
    ['AUTH_JWT_SECRET is not set', { args: ['--topup', ORDER_ID], secret: '' }],
    ['--topup is missing', { args: [] }],
    ['--topup "a b" is no order id', { args: ['--topup', ORDER_ID, '--topup', 'a b'] }],
    ['--scope: "cards" is none', { args: ['--topup', ORDER_ID, '--scope', 'status cards'] }],
    ['--ttl: expected a time', { args: ['--topup', ORDER_ID, '--ttl', '10'] }],
    [`Unexpected argument '${ORDER_ID}'`, { args: [ORDER_ID] }],
  ])('says %s, and how it is called', async ([fault, { args, secret = SECRET }]) => {
    await using folder = await temporaryFolder();
    const variables = secret === null ? {} : { AUTH_JWT_SECRET: secret };
    await expect(command(folder, ['ticket', ...args], variables)).rejects.toMatchObject({
      code: 64,
      stdout: '',
      stderr: expect.stringMatching(
        new RegExp(`^${RegExp.escape(fault)}[^]*\n\nusage: npm run ticket`),
      ),
    });
  });
});
