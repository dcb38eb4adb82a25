import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Script } from 'node:vm';
import { crc32 } from 'node:zlib';
import type * as Entry from './entry.ts';

/*
 * Node's own compile cache holds a file as compiled when it was loaded, before any function in it ran: the functions
 * that a start calls would be compiled again at each start. The code kept here is taken after a start and a first
 * response, and contains those functions.
 */

/** The file with the compiled functions of a bundle. */
export function compiledPath(bundle: string): string {
  return `${bundle}.code`;
}

export interface Running {
  readonly entry: typeof Entry;
  /** Whether the bundle runs with functions that were compiled before. */
  readonly wasCompiled: boolean;
}

/**
 * Runs a bundle, with its compiled functions if there are any. V8 ignores compiled functions from another version of
 * Node or from a Node with other flags.
 */
export function runBundle(path: string): Running {
  // Node reads source maps only of modules that it loads itself.
  if (process.sourceMapsEnabled) return { entry: createRequire(path)(path), wasCompiled: false };
  const source = readFileSync(path);
  const compiled = readCompiled(path, source);
  const script = scriptOf({ path, source, compiled });
  const wasCompiled = compiled !== undefined && script.cachedDataRejected === false;
  return { entry: evaluate(script, path), wasCompiled };
}

interface Compilation {
  readonly entry: typeof Entry;
  /** The contents for the file at `compiledPath`: all functions that have run so far. */
  readonly compiled: () => Uint8Array;
}

/** Runs a bundle from its source alone. `path` is where the bundle will be. */
export function compile(path: string, source: Uint8Array): Compilation {
  const script = scriptOf({ path, source });
  return {
    entry: evaluate(script, path),
    compiled: () => {
      const functions = script.createCachedData();
      return Buffer.concat([checksumOf(source, functions), functions]);
    },
  };
}

/** Node's own wrapper of CommonJS modules. Put on the first line of the source, so that line numbers stay the same. */
const HEAD = '(function (exports, require, module, __filename, __dirname) {';

function scriptOf({
  path,
  source,
  compiled,
}: {
  readonly path: string;
  readonly source: Uint8Array;
  readonly compiled?: Buffer | undefined;
}): Script {
  // Enough, since the bundler writes only ASCII.
  const text = Buffer.from(source.buffer, source.byteOffset, source.length).toString('latin1');
  return new Script(`${HEAD}${text}\n})`, {
    filename: path,
    columnOffset: -HEAD.length,
    ...(compiled === undefined ? {} : { cachedData: compiled }),
  });
}

function evaluate(script: Script, path: string): typeof Entry {
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(path), module);
  return module.exports as typeof Entry;
}

/** `undefined` if the file is missing or damaged: V8 does not check for damage, and would crash. */
function readCompiled(bundle: string, source: Uint8Array): Buffer | undefined {
  const path = compiledPath(bundle);
  if (!existsSync(path)) return undefined;
  const content = readFileSync(path);
  const functions = content.subarray(CHECKSUM_BYTES);
  return checksumOf(source, functions).equals(content.subarray(0, CHECKSUM_BYTES))
    ? functions
    : undefined;
}

const CHECKSUM_BYTES = 4;

/** Includes the source, of which V8 compares only the length. */
function checksumOf(source: Uint8Array, functions: Uint8Array): Buffer {
  const checksum = Buffer.alloc(CHECKSUM_BYTES);
  checksum.writeUInt32LE(crc32(functions, crc32(source)));
  return checksum;
}
