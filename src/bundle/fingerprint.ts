import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A hash of everything that goes into a bundle: the sources, the installed packages, the folder that they are in, and
 * the Node that compiles it. Uses the contents of files, since their times say nothing in an image or after a checkout;
 * reading the files takes some milliseconds.
 */
export function fingerprintOf(root: string): string {
  const hash = createHash('sha256').update(`${root}\0${process.version}\0${process.arch}`);
  for (const path of [installedPackages(root), ...sourcesOf(root)]) {
    // With the length, so that a byte that moves from one file to the next changes the hash.
    const content = readFileSync(path);
    hash.update(`\0${path}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/** npm's record of what it installed; the lock file if another package manager did the installation. */
function installedPackages(root: string): string {
  const installed = join(root, 'node_modules/.package-lock.json');
  return existsSync(installed) ? installed : join(root, 'package-lock.json');
}

function sourcesOf(root: string): string[] {
  const folder = join(root, 'src');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => join(folder, name));
}
