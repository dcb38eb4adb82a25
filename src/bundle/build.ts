/** `npm run bundle`: makes the file that `npm start` runs. It does so itself where there is none. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Plugin } from 'esbuild';
import { bundleFolder, bundlePath } from './bundle.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/**
 * Not in the bundle: a native addon finds its binary beside itself, and GraphiQL's nine megabytes are to be
 * loaded when somebody opens the page.
 */
const EXTERNAL = ['better-sqlite3', '@graphql-yoga/render-graphiql'];

/**
 * What a source says of its own place stays true in the bundle. A `require` that a source makes for itself
 * is one that esbuild would not follow, and left out it follows.
 */
const places: Plugin = {
  name: 'places',
  setup(build) {
    build.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, ({ path }) => ({
      loader: 'ts',
      contents: readFileSync(path, 'utf8')
        .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)))
        .replace('const require = createRequire(import.meta.url);', ''),
    }));
  },
};

async function bundle(path: string): Promise<void> {
  // Here, since an installation without optional packages has no bundler.
  const esbuild = await import('esbuild');
  const { outputFiles } = await esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: ['src/run.ts'],
    outfile: path,
    write: false,
    bundle: true,
    platform: 'node',
    // Not ESM: importing a built-in module there reads all that it exports, of `node:http` a whole WebSocket
    // client that it loads only then.
    format: 'cjs',
    target: `node${process.versions.node}`,
    conditions: ['node', 'import', 'default'],
    define: { 'process.env.NODE_ENV': '"production"' },
    external: EXTERNAL,
    plugins: [places],
    // For `node --enable-source-maps`, which takes 50 MB and so is for those who look for a fault.
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'silent',
  });
  await esbuild.stop();
  mkdirSync(bundleFolder(ROOT), { recursive: true });
  // The map first: the bundle is there from the moment that it has its name, whole.
  for (const file of outputFiles.toSorted((a, b) => b.path.length - a.path.length)) {
    const unfinished = `${file.path}.${process.pid}`;
    writeFileSync(unfinished, file.contents);
    renameSync(unfinished, file.path);
  }
}

/** A gateway that runs on one has read all of it. */
function removeOthers(path: string): void {
  for (const name of readdirSync(dirname(path))) {
    const other = join(dirname(path), name);
    // Names without a process in them: another may be making the same one at this moment.
    if (!other.startsWith(path) && /\.cjs(\.map)?$/.test(name)) rmSync(other, { force: true });
  }
}

try {
  const path = bundlePath(ROOT);
  await bundle(path);
  removeOthers(path);
} catch (error) {
  const reason = error instanceof Error ? error.message.split('\n', 1)[0] : 'failed';
  process.stderr.write(`topup-gateway: could not be bundled, starts slower: ${reason}\n`);
  // At once: the bundler's own process may be there still.
  process.exit(1);
}
