/** `npm run bundle`: makes the files that `npm start` runs. `npm start` runs this script if they are missing. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Plugin } from 'esbuild';
import { bundleFolder, bundlePath } from './bundle.ts';
import { compile, compiledPath } from './compiled.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/**
 * Packages outside the bundle: a native addon finds its binary beside itself, GraphiQL's nine megabytes are loaded only
 * when somebody opens the page, and log lines are made readable only on a terminal.
 */
const EXTERNAL = ['better-sqlite3', '@graphql-yoga/render-graphiql', 'pino-pretty'];

/**
 * Replaces `import.meta.dirname` by the folder of the source, which it would not be in the bundle. Removes a `require`
 * made with `createRequire`: esbuild does not follow that one, but follows the global `require` that remains.
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

interface File {
  readonly path: string;
  readonly contents: Uint8Array;
}

interface Bundle {
  readonly code: File;
  readonly others: readonly File[];
}

async function bundle(path: string): Promise<Bundle> {
  // Imported only here, since an installation without optional packages has no bundler.
  const esbuild = await import('esbuild');
  const { outputFiles } = await esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: ['src/bundle/entry.ts'],
    outfile: path,
    write: false,
    bundle: true,
    platform: 'node',
    // Not ESM, where an import of a built-in module reads all its exports: for `node:http`, that would load a whole
    // WebSocket client.
    format: 'cjs',
    target: `node${process.versions.node}`,
    // If a package has both CommonJS and ES modules, take the latter: their unused exports are left out.
    conditions: ['module', 'node', 'import', 'default'],
    mainFields: ['module', 'main'],
    // Keep names, for stack traces, and keep lines short, since Node prints the line in which an error occurred.
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: 120,
    define: {
      'process.env.NODE_ENV': '"production"',
      // Yoga compares it with its own `Request`; reading the global would make Node load its HTTP client.
      'globalThis.Request': 'undefined',
    },
    external: EXTERNAL,
    // Turns `import()` into `require`: code that is compiled from memory has no `import()`.
    supported: { 'dynamic-import': false },
    plugins: [places],
    // Used only with `node --enable-source-maps`, which takes memory and is meant for debugging.
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'silent',
  });
  await esbuild.stop();
  const [code, ...others] = outputFiles.toSorted((a, b) => a.path.length - b.path.length);
  if (code === undefined) throw new Error('there is nothing in it');
  return { code, others };
}

/** The file of compiled functions; none if the rehearsal fails. Without it, each start compiles what it calls. */
async function compiledInRehearsal({ path, contents }: File): Promise<readonly File[]> {
  try {
    const { entry, compiled } = compile(path, contents);
    await entry.rehearse();
    return [{ path: compiledPath(path), contents: compiled() }];
  } catch (error) {
    warn('could not be rehearsed', error);
    return [];
  }
}

/** Writes a file so that it has its name only once it is complete. */
function write({ path, contents }: File): void {
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, contents);
  renameSync(unfinished, path);
}

/** Removes other bundles. A gateway that runs one of them has already read all of it. */
function removeOthers(path: string): void {
  for (const name of readdirSync(dirname(path))) {
    const other = join(dirname(path), name);
    // Only complete files: a name with a process id is a file that another process may be writing at this moment.
    if (!other.startsWith(path) && /\.cjs(\.map|\.code)?$/.test(name))
      rmSync(other, { force: true });
  }
}

function warn(what: string, error: unknown): void {
  const reason = error instanceof Error ? error.message.split('\n', 1)[0] : 'failed';
  process.stderr.write(`topup-gateway: ${what}, starts slower: ${reason}\n`);
}

try {
  const path = bundlePath(ROOT);
  const { code, others } = await bundle(path);
  const compiled = await compiledInRehearsal(code);
  mkdirSync(bundleFolder(ROOT), { recursive: true });
  // The bundle last: if it exists, the other files do too.
  for (const file of [...others, ...compiled, code]) write(file);
  removeOthers(path);
} catch (error) {
  warn('could not be bundled', error);
  process.exitCode = 1;
}
// Exit at once: the bundler's child process may still be running.
process.exit();
