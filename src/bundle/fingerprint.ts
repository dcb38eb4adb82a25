import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Tells apart whatever would make another bundle: the sources, the packages that are installed, the folder
 * that it all lies in, the Node that compiles it. By contents, since times of files say nothing in an image or
 * after a checkout; reading them takes some milliseconds.
 */
export function fingerprintOf(root: string): string {
  const hash = createHash('sha256').update(`${root}\0${process.version}\0${process.arch}`);
  for (const path of [installedPackages(root), ...sourcesOf(root)]) {
    // With its length, so that no byte can move from one file to the next.
    const content = readFileSync(path);
    hash.update(`\0${path}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/** What npm wrote down of its own work; what it was to do, where another package manager did it. */
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
