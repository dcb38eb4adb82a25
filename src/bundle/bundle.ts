import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprintOf } from './fingerprint.ts';

/** The folder of the bundles: below `node_modules`, so that a fresh installation starts without old bundles. */
export function bundleFolder(root: string): string {
  return join(root, 'node_modules/.cache/topup-gateway/bundles');
}

export function bundlePath(root: string): string {
  return join(bundleFolder(root), `${fingerprintOf(root)}.cjs`);
}

/**
 * The gateway and all its packages as one file, made from these sources at the first start. To find and compile each
 * module would take most of the time of each start, and more memory.
 *
 * @returns the path of the bundle; `undefined` if there is none and none can be made, since the sources run as well.
 */
export async function currentBundle(root: string): Promise<string | undefined> {
  const path = bundlePath(root);
  if (existsSync(path)) return path;
  // Built in another process, since this one would not get rid of the memory that the bundler takes.
  return isWritable(bundleFolder(root)) && (await build()) && existsSync(path) ? path : undefined;
}

async function build(): Promise<boolean> {
  // Imported only here, since most starts need no child process.
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
