import type { IncomingMessage } from 'node:http';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { isAllowedOrigin, isForUs } from '../../src/transports/origin.ts';
import { temporaryFolder } from '../support/gateway-process.ts';
import { blocksIn, markdownFiles } from '../support/markdown.ts';
import { ORDER_ID, observation } from '../support/observations.ts';

const code = (language: string) => blocksIn(language).map((block) => block.code);

/** The names that the proxies pass on as `Host`. */
const proxied = [
  ...code('nginx').flatMap((text) => text.match(/(?<=server_name )[\w.]+/g) ?? []),
  ...code('caddyfile').flatMap((text) => text.match(/^[\w.]+(?= \{)/gm) ?? []),
];

const origins = code('ini').flatMap((text) => text.match(/(?<=^ALLOWED_ORIGINS=).+/gm) ?? []);

describe('the deployment that the documentation shows', () => {
  it('serves under the name that its proxies pass on, and to the pages of the shop', () => {
    expect([proxied.length, origins.length]).toEqual([2, 1]);
    const { host, allowedOrigins, anyHost } = parseConfig({
      ALLOWED_ORIGINS: origins[0],
      AUTH_JWT_SECRET: 'x'.repeat(32),
    });
    for (const name of proxied) {
      const headers = { host: name };
      const request = { headers, headersDistinct: { host: [name] } } as unknown as IncomingMessage;
      expect(isForUs(request, { host, allowedOrigins, anyHost })).toBe(true);
    }
    const page = { origin: 'https://shop.example', host: proxied[0] };
    expect(isAllowedOrigin(page, allowedOrigins)).toBe(true);
  });
});

/** Runs the statement that a command of `docs/deploy.md` hands to `sqlite3`. */
function runSqlite(
  path: string,
  statement: RegExp,
  replaced: Readonly<Record<string, string>> = {},
) {
  const [sql = ''] = code('sh').flatMap((text) => text.match(statement) ?? []);
  const given = Object.entries(replaced).reduce((text, [from, to]) => text.replace(from, to), sql);
  const database = new Database(path);
  database.exec(given);
  database.close();
}

describe('the backup that the documentation shows', () => {
  it('is complete, and numbers new states in a log of its own', async () => {
    await using folder = await temporaryFolder();
    const [path, copy] = [`${folder.path}/gateway.db`, `${folder.path}/copy.db`];
    const store = await openSqliteStore({ url: `file:${path}` });
    await store.record(observation(), () => 0);
    const original = await store.find(ORDER_ID);
    const documented = '/var/backups/topup-gateway-$(date +%F).db';
    runSqlite(path, /VACUUM INTO '.+?'/, { [documented]: copy });
    runSqlite(copy, /DELETE FROM log/);

    const restored = await openSqliteStore({ url: `file:${copy}` });
    expect(await restored.find(ORDER_ID)).toEqual(original);
    expect(restored.logId).not.toBe(store.logId);
    await Promise.all([store.close(), restored.close()]);
  });
});

describe('the metrics that the documentation names', () => {
  it('are those of the gateway', async () => {
    const { text } = await new Metrics().scrape(undefined);
    const ours = new Set(text.match(/(?<=^# TYPE )topup_gateway_\w+/gm));
    const pages = markdownFiles().filter(({ path }) => /^(README|docs\/[a-z-]+)\.md$/.test(path));
    const texts = [...pages.flatMap(({ inlineCode }) => inlineCode), ...code('yaml')];
    const named = texts.flatMap((each) => each.match(/topup_gateway_\w+[a-z](?!\w)/g) ?? []);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !ours.has(name))).toEqual([]);
  });
});
