import { join } from 'node:path';
import { afterAll } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { makeFolder } from './sqlite/folder.ts';
import { storeConformance } from './store.conformance.ts';

const folder = makeFolder();
afterAll(() => folder.remove());

let files = 0;
storeConformance('SQLite in a file', () => {
  files += 1;
  return openSqliteStore({ url: `file:${join(folder.path, `${files}.db`)}` });
});

storeConformance('SQLite in memory', () => openSqliteStore({ url: 'file::memory:' }));
