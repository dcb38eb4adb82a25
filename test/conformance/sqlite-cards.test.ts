import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CardCodes, type CardKey } from '../../src/cards/card-codes.ts';
import { newCardKey } from '../../src/cards/card-keys.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { rekey as rekeyIn } from '../../src/store/sqlite/rekey.ts';
import { observed } from './store/observations.ts';

const CODE = '918273645546';
const [ONE, TWO] = [newCardKey(), newCardKey()];

let folder = '';
let path = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cards-'));
  path = join(folder, 'gateway.db');
});
afterEach(() => rm(folder, { recursive: true }));

function open(cardKeys?: readonly CardKey[]) {
  return openSqliteStore({ url: `file:${path}`, cardKeys });
}

const settled = (orderId: string) =>
  observed({ orderId, upstreamStatus: 'FULFILLED', cardCode: CODE });

/** Every byte of every file beside the database. */
async function bytes(): Promise<string> {
  const files = await readdir(folder);
  const contents = await Promise.all(files.map((file) => readFile(join(folder, file), 'latin1')));
  return contents.join('\n');
}

async function fill(count: number, cardKeys?: readonly CardKey[]): Promise<void> {
  const store = await open(cardKeys);
  const orders = Array.from({ length: count }, (_, n) => settled(`order-${n}`));
  await store.recordAll(orders, () => null);
  await store.close();
}

/** As a version of the gateway left it that did not seal card codes yet. */
async function unseal(count: number): Promise<void> {
  await fill(count);
  const database = new Database(path);
  database.pragma('secure_delete = OFF');
  database.prepare('UPDATE snapshots SET card_code = ?').run(CODE);
  database.prepare('UPDATE orders SET card_code = ?').run(CODE);
  database.prepare("DELETE FROM notes WHERE name = 'card-codes-are-sealed'").run();
  database.close();
}

it('a card code is in no file of a database, open or closed, and comes back out of it', async () => {
  const store = await open();
  await store.record(settled('a'), () => null);
  expect(await bytes()).not.toContain(CODE);
  await store.close();
  expect(await bytes()).not.toContain(CODE);
  const again = await open();
  expect((await again.find('a'))?.latest.cardCode).toBe(CODE);
  expect(await again.read('a', { limit: 9, from: 'oldest' })).toMatchObject([{ cardCode: CODE }]);
  await again.close();
});

it('without its key a card cannot be read, and all else can', async () => {
  await fill(1, [ONE]);
  const store = await open([TWO]);
  const order = await store.find('order-0');
  expect(order?.latest).toMatchObject({
    upstreamStatus: 'FULFILLED',
    cardCode: null,
    isCardUnreadable: true,
  });
  await store.record(settled('other'), () => null);
  expect((await store.find('other'))?.latest.cardCode).toBe(CODE);
  await store.close();
});

it.each([
  ['all can be read', [ONE], 0],
  ['their key is gone', [TWO], 5],
  // As with a command that makes a new key at each start.
  ['another key has its name', [{ ...TWO, id: ONE.id }], 5],
])(
  'an opening tells how many of the newest cards cannot be read, if any: %s',
  async (_, keys, count) => {
    await fill(5, [ONE]);
    const told: number[] = [];
    const onUnreadableCards = (unreadable: number) => void told.push(unreadable);
    await (
      await openSqliteStore({ url: `file:${path}`, cardKeys: keys, onUnreadableCards })
    ).close();
    expect(told).toEqual(count === 0 ? [] : [count]);
  },
);

it('an opening looks through the newest cards alone, however large the log is', async () => {
  await fill(1_003, [ONE]);
  const told: number[] = [];
  const onUnreadableCards = (unreadable: number) => void told.push(unreadable);
  await (
    await openSqliteStore({ url: `file:${path}`, cardKeys: [TWO], onUnreadableCards })
  ).close();
  expect(told).toEqual([1_000]);
});

it('the keys of a file still open what they sealed once keys are configured', async () => {
  await fill(1);
  const store = await open([ONE]);
  expect((await store.find('order-0'))?.latest.cardCode).toBe(CODE);
  await store.close();
});

it('codes of a database from before are sealed at its first opening, and nothing is left of them', async () => {
  await unseal(1_200);
  expect(await bytes()).toContain(CODE);
  const store = await open();
  expect(await bytes()).not.toContain(CODE);
  for (const orderId of ['order-0', 'order-777', 'order-1199']) {
    expect((await store.find(orderId))?.latest.cardCode).toBe(CODE);
  }
  await store.close();
});

it('codes that an interrupted opening had sealed stay as they are, and so does an order without one', async () => {
  await unseal(3);
  const interrupted = await open();
  await interrupted.record(observed({ orderId: 'without' }), () => null);
  await interrupted.close();
  const database = new Database(path);
  database.prepare("UPDATE snapshots SET card_code = ? WHERE order_id = 'order-2'").run(CODE);
  database.prepare("DELETE FROM notes WHERE name = 'card-codes-are-sealed'").run();
  database.close();
  const store = await open();
  const last = { limit: 1, from: 'newest' } as const;
  for (const orderId of ['order-0', 'order-2'])
    expect(await store.read(orderId, last)).toMatchObject([{ cardCode: CODE }]);
  expect(await store.read('without', last)).toMatchObject([{ cardCode: null }]);
  await store.close();
});

it('nothing is left either if an opening was killed between sealing them and rewriting the file', async () => {
  await fill(3);
  const database = new Database(path);
  database.pragma('secure_delete = OFF');
  database.exec('CREATE TABLE old (card_code TEXT)');
  database.prepare('INSERT INTO old VALUES (?)').run(CODE);
  database.exec('DROP TABLE old');
  database.prepare("DELETE FROM notes WHERE name = 'card-codes-are-sealed'").run();
  database.close();
  expect(await bytes()).toContain(CODE);
  const store = await open();
  expect(await bytes()).not.toContain(CODE);
  await store.close();
});

const keysAsText = (keys: readonly CardKey[]) =>
  keys.map(({ id, key }) => `${id}:${Buffer.from(key).toString('base64')}`).join(',');

const rekeyEnvironment = (keys: readonly CardKey[]) => ({
  env: { ...process.env, DATABASE_URL: `file:${path}`, CARD_CODE_KEYS: keysAsText(keys) },
});

const script = new URL('../../src/commands/rekey.ts', import.meta.url).pathname;
const rekey = async (keys: readonly CardKey[]) =>
  (await promisify(execFile)(process.execPath, [script], rekeyEnvironment(keys))).stdout;

it('rekeying goes on where it was killed, beside a store that serves and appends', async () => {
  await fill(5_000, [ONE]);
  const serving = await open([TWO, ONE]);
  const killed = spawn(process.execPath, [script], rekeyEnvironment([TWO, ONE]));
  await once(killed.stderr, 'data');
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  expect((await serving.find('order-4999'))?.latest.cardCode).toBe(CODE);
  await serving.record(settled('meanwhile'), () => null);

  const told = await rekey([TWO, ONE]);
  const [changed, current, unreadable] = told.match(/\d+/g)?.map(Number) ?? [];
  expect((changed ?? 0) + (current ?? 0)).toBe(5_001);
  expect(current).toBeGreaterThan(0);
  expect(unreadable).toBe(0);
  await serving.close();

  const store = await open([TWO]);
  for (const orderId of ['order-0', 'order-4999', 'meanwhile']) {
    expect((await store.find(orderId))?.latest.cardCode).toBe(CODE);
  }
  await store.close();
});

it('rekeying lets a store write between its transactions', async () => {
  await fill(500, [ONE]);
  const store = await openSqliteStore({
    url: `file:${path}`,
    cardKeys: [TWO, ONE],
    busyTimeoutMs: 0,
  });
  const database = new Database(path);
  const seen: number[] = [];
  const rekeyed = await rekeyIn(database, new CardCodes([TWO, ONE]), async (done) => {
    // The next transaction waits until this is over. It would fail at once if the lock were held.
    await setImmediate();
    await store.record(settled(`meanwhile-${done}`), () => null);
    seen.push(done);
  });
  database.close();
  expect(seen).toEqual([200, 400, 500]);
  expect(rekeyed).toEqual({ changed: 500, current: 0, unreadable: 0 });
  await store.close();
});

it('rekeying leaves nothing under the earlier key, neither in the log nor in free space', async () => {
  // Longer than the new one, so that what is written anew does not cover all of the old.
  const old = { ...ONE, id: 'the-key-that-somebody-has-seen' };
  await fill(50, [old]);
  await (await open([TWO, old])).close();
  expect(await bytes()).toContain(old.id);
  await rekey([TWO, old]);
  expect(await bytes()).not.toContain(old.id);
  const store = await open([TWO]);
  expect(await store.read('order-49', { limit: 9, from: 'oldest' })).toMatchObject([
    { cardCode: CODE },
  ]);
  await store.close();
});

it('rekeying to a key that the gateway does not have is refused, and changes nothing', async () => {
  await fill(3, [ONE]);
  await expect(rekey([TWO, ONE])).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`without the key ${TWO.id}`),
  });
  const store = await open([ONE]);
  expect((await store.find('order-2'))?.latest.cardCode).toBe(CODE);
  await store.close();
});

it('rekeying leaves alone what it cannot read, and says so', async () => {
  await fill(3, [ONE]);
  await (await open([TWO])).close();
  await expect(rekey([TWO])).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringContaining('3 cannot be read'),
  });
  const store = await open([ONE]);
  expect((await store.find('order-2'))?.latest.cardCode).toBe(CODE);
  await store.close();
});
