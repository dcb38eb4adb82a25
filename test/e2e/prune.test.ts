import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCursor } from '../../src/core/cursor.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import {
  type GatewayProcess,
  startGatewayProcess,
  type TemporaryFolder,
  temporaryFolder,
} from '../support/gateway-process.ts';
import {
  ask,
  overServerSentEvents,
  overWebSocket,
  post,
} from '../support/graphql-over-the-wire.ts';
import { observation } from '../support/observations.ts';

const SCRIPT = new URL('../../src/commands/prune.ts', import.meta.url).pathname;
const DAY_MS = 86_400_000;
const ORDERS = 3_000;
const LIFE = ['HANDLING', 'QUEUED', 'FULFILLED'];

const idOf = (nth: number) => nth.toString(16).padStart(24, '0');

let folder: TemporaryFolder;
let url = '';
let logId = '';

/** Orders that settled 100 days ago, as a gateway leaves them. */
beforeAll(async () => {
  folder = await temporaryFolder();
  url = `file:${join(folder.path, 'gateway.db')}`;
  const store = await openSqliteStore({ url });
  ({ logId } = store);
  const since = Date.now() - 100 * DAY_MS;
  for (const [place, upstreamStatus] of LIFE.entries()) {
    const all = Array.from({ length: ORDERS }, (_, nth) =>
      observation({ orderId: idOf(nth), upstreamStatus, observedAt: since + place }),
    );
    await store.recordAll(all, ({ checkedAt }) => checkedAt);
  }
  await store.close();
});

afterAll(() => folder[Symbol.asyncDispose]());

const run = promisify(execFile);
const prune = (args: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  run(process.execPath, [SCRIPT, ...args], {
    cwd: folder.path,
    env: { ...process.env, DATABASE_URL: url, ...environment },
  });

describe('npm run prune', () => {
  it.for<[string, string[]]>([
    ['no age', []],
    ['an age without a unit', ['--older-than', '90']],
    ['an age that is none', ['--older-than', '-1d']],
    ['no age at all', ['--older-than', '0d']],
    ['an option that there is not', ['--older-than', '90d', '--quick']],
  ])('refuses %s with the usage, and exit code 64', async ([, args]) => {
    await expect(prune(args)).rejects.toMatchObject({
      code: 64,
      stdout: '',
      stderr: expect.stringContaining('usage: npm run prune'),
    });
  });

  it('leaves what is not yet that old', async () => {
    expect((await prune(['--older-than', '101d'])).stdout).toMatch(
      /^0 snapshots of 0 settled orders removed; /,
    );
  });

  it('makes no database where there is none', async () => {
    const nowhere = { DATABASE_URL: `file:${join(folder.path, 'nowhere.db')}` };
    await expect(prune(['--older-than', '90d'], nowhere)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('nowhere.db is no file'),
    });
  });
});

const HISTORY =
  'query ($id: ID!) { topup(id: $id) { version history { edges { node { version } } } } }';
const FOLLOW =
  'subscription ($id: ID!, $after: String) { topupStatus(id: $id, after: $after) { version } }';

interface Asked {
  readonly topup: {
    readonly version: number;
    readonly history: {
      readonly edges: readonly { readonly node: { readonly version: number } }[];
    };
  };
}

const historyOf = async (gateway: GatewayProcess, id: string) => {
  const { topup } = await ask<Asked>(gateway, { document: HISTORY, variables: { id } });
  expect(topup.version).toBe(3);
  return topup.history.edges.map(({ node }) => node.version);
};

it('removes while a gateway serves, which answers all the time and resumes from cursors that are gone', async () => {
  await using gateway = await startGatewayProcess({ DATABASE_URL: url });
  expect(await historyOf(gateway, idOf(0))).toEqual([1, 2, 3]);
  expect((await prune(['--older-than', '90d', '--dry-run'])).stdout).toContain(
    `${ORDERS * 2} snapshots of ${ORDERS} settled orders would go`,
  );
  expect(await historyOf(gateway, idOf(0))).toEqual([1, 2, 3]);

  const last = ORDERS - 1;
  let done = false;
  const pruning = prune(['--older-than', '90d']).finally(() => {
    done = true;
  });
  let answered = 0;
  while (!done) {
    // The last order is not asked for before everything is gone.
    const id = idOf(answered % last);
    const { body } = await post<Asked>(gateway, { document: HISTORY, variables: { id } });
    expect(body.errors).toBeUndefined();
    answered += 1;
  }
  expect((await pruning).stdout).toMatch(
    new RegExp(
      `^${ORDERS * 2} snapshots of ${ORDERS} settled orders removed; .* free for new ones`,
    ),
  );
  expect(answered).toBeGreaterThan(0);

  expect(await historyOf(gateway, idOf(last))).toEqual([3]);
  for (const follow of [overServerSentEvents, overWebSocket]) {
    const after = encodeCursor({ logId, version: 1 });
    const variables = { id: idOf(last), after };
    const results = await Array.fromAsync(follow(gateway, { document: FOLLOW, variables }));
    expect(results).toEqual([{ data: { topupStatus: { version: 3 } } }]);
  }
});
