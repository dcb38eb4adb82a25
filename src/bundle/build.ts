/** `npm run bundle`: makes the files that `npm start` runs. It does so itself where there are none. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Plugin } from 'esbuild';
import { bundleFolder, bundlePath } from './bundle.ts';
import { compile, compiledPath } from './compiled.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/**
 * Not in the bundle: a native addon finds its binary beside itself, GraphiQL's nine megabytes are to be loaded when
 * somebody opens the page, and log lines are made readable on a terminal only.
 */
const EXTERNAL = ['better-sqlite3', '@graphql-yoga/render-graphiql', 'pino-pretty'];

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

interface File {
  readonly path: string;
  readonly contents: Uint8Array;
}

interface Bundle {
  readonly code: File;
  readonly others: readonly File[];
}

async function bundle(path: string): Promise<Bundle> {
  // Here, since an installation without optional packages has no bundler.
  const esbuild = await import('esbuild');
  const { outputFiles } = await esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: ['src/bundle/entry.ts'],
    outfile: path,
    write: false,
    bundle: true,
    platform: 'node',
    // Not ESM: importing a built-in module there reads all that it exports, of `node:http` a whole WebSocket
    // client that it loads only then.
    format: 'cjs',
    target: `node${process.versions.node}`,
    // Of a package that comes both ways, the ES modules: what nobody imports of them is left out.
    conditions: ['module', 'node', 'import', 'default'],
    mainFields: ['module', 'main'],
    // Names stay, for the sake of stack traces, and lines, since Node shows the one in which it found a fault.
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: 120,
    define: {
      'process.env.NODE_ENV': '"production"',
      // Yoga compares it with its own, and to look at it has Node load its HTTP client.
      'globalThis.Request': 'undefined',
    },
    external: EXTERNAL,
    // They are required instead: what is compiled from memory has no `import()`.
    supported: { 'dynamic-import': false },
    plugins: [places],
    // For `node --enable-source-maps`, which takes memory and so is for those who look for a fault.
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'silent',
  });
  await esbuild.stop();
  const [code, ...others] = outputFiles.toSorted((a, b) => a.path.length - b.path.length);
  if (code === undefined) throw new Error('there is nothing in it');
  return { code, others };
}

/** Without it, each start compiles what it calls. */
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

/** Each has its name from the moment that it is whole. */
function write({ path, contents }: File): void {
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, contents);
  renameSync(unfinished, path);
}

/** A gateway that runs on one has read all of it. */
function removeOthers(path: string): void {
  for (const name of readdirSync(dirname(path))) {
    const other = join(dirname(path), name);
    // Names without a process in them: another may be making the same one at this moment.
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
  // The bundle last: where it is, the others are.
  for (const file of [...others, ...compiled, code]) write(file);
  removeOthers(path);
} catch (error) {
  warn('could not be bundled', error);
  process.exitCode = 1;
}
// At once: the bundler's own process may be there still.
process.exit();
