import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, symlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = new URL('../..', import.meta.url).pathname;

export interface Installation extends AsyncDisposable {
  readonly root: string;
  /** Where it keeps what it makes of its sources. */
  readonly bundles: string;
}

/** The gateway in a folder of its own, with this one's packages: its sources may be changed. */
export function installElsewhere(): Installation {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'topup-gateway-elsewhere-')));
  for (const part of ['src', 'drizzle', 'package.json']) {
    cpSync(join(ROOT, part), join(root, part), { recursive: true });
  }
  const packages = join(root, 'node_modules');
  mkdirSync(packages);
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    // Caches begin anew.
    if (name !== '.cache') symlinkSync(join(ROOT, 'node_modules', name), join(packages, name));
  }
  return {
    root,
    bundles: join(packages, '.cache/topup-gateway/bundles'),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}
