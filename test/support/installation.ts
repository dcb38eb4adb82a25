import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, symlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = new URL('../..', import.meta.url).pathname;

export interface Installation extends AsyncDisposable {
  readonly root: string;
  /** The folder for the bundles that the gateway makes of its sources. */
  readonly bundles: string;
}

/** Copies the gateway to a folder of its own, where a test can change its sources. Links to this project's packages. */
export function installElsewhere(): Installation {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'topup-gateway-elsewhere-')));
  for (const part of ['src', 'drizzle', 'package.json']) {
    cpSync(join(ROOT, part), join(root, part), { recursive: true });
  }
  const packages = join(root, 'node_modules');
  mkdirSync(packages);
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    // The copy starts with empty caches.
    if (name !== '.cache') symlinkSync(join(ROOT, 'node_modules', name), join(packages, name));
  }
  return {
    root,
    bundles: join(packages, '.cache/topup-gateway/bundles'),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}
