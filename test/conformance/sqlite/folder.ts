import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base } from 'vitest';
import type { Store } from '../../../src/core/store.ts';
import { openSqliteStore, type SqliteOptions } from '../../../src/store/sqlite/open.ts';

export function makeFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'topup-store-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export type Open = (options?: Partial<SqliteOptions>) => Promise<Store>;

/**
 * Gives a test an empty folder, the path of a database in it that is not made yet, and a way to open it
 * whose stores are closed, and whose files are gone, after the test.
 */
export const test = base.extend<{ folder: string; path: string; open: Open }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures it needs off this pattern
  folder: async ({}, use) => {
    const folder = makeFolder();
    await use(folder.path);
    folder.remove();
  },
  path: async ({ folder }, use) => {
    await use(join(folder, 'gateway.db'));
  },
  open: async ({ path }, use) => {
    const opened: Store[] = [];
    await use(async (options = {}) => {
      const store = await openSqliteStore({ url: `file:${path}`, ...options });
      opened.push(store);
      return store;
    });
    await Promise.all(opened.map((store) => store.close()));
  },
});
