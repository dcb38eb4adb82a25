import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprintOf } from './fingerprint.ts';

/** Where bundles lie: below `node_modules`, so that whoever installs anew also begins anew. */
export function bundleFolder(root: string): string {
  return join(root, 'node_modules/.cache/topup-gateway/bundles');
}

export function bundlePath(root: string): string {
  return join(bundleFolder(root), `${fingerprintOf(root)}.cjs`);
}

/**
 * The gateway and all its packages as one file, made at the first start from these sources. To look up and
 * compile each of them would take the most of each start, and more memory.
 *
 * @returns its path; `undefined` where there is none and none can be made: the sources run as well.
 */
export async function currentBundle(root: string): Promise<string | undefined> {
  const path = bundlePath(root);
  if (existsSync(path)) return path;
  // In another process, since what a bundler takes of memory would not come back.
  return isWritable(bundleFolder(root)) && (await build()) && existsSync(path) ? path : undefined;
}

async function build(): Promise<boolean> {
  // Here, since most starts have none to start.
  const { spawnSync } = await import('node:child_process');
  const script = join(import.meta.dirname, 'build.ts');
  return (
    spawnSync(process.execPath, [script], { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0
  );
}

function isWritable(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
