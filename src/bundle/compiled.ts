import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Script } from 'node:vm';
import { crc32 } from 'node:zlib';
import type * as Entry from './entry.ts';

/*
 * Node's own compile cache holds a file as it is once it was read, before any function in it ran: what a start calls
 * would be compiled again at each. What is kept here was taken after a start and a first answer, and has it all.
 */

/** Where it is kept what the functions of a bundle were compiled to. */
export function compiledPath(bundle: string): string {
  return `${bundle}.code`;
}

export interface Running {
  readonly entry: typeof Entry;
  /** Whether it runs on functions that were compiled before. */
  readonly wasCompiled: boolean;
}

/**
 * Runs a bundle, with the functions that are compiled already, if any. V8 does without those that a Node of another
 * version made, or one with other flags.
 */
export function runBundle(path: string): Running {
  // Only of what is loaded by itself does Node read the map.
  if (process.sourceMapsEnabled) return { entry: createRequire(path)(path), wasCompiled: false };
  const source = readFileSync(path);
  const compiled = readCompiled(path, source);
  const script = scriptOf({ path, source, compiled });
  const wasCompiled = compiled !== undefined && script.cachedDataRejected === false;
  return { entry: evaluate(script, path), wasCompiled };
}

export interface Compilation {
  readonly entry: typeof Entry;
  /** What is to be written to `compiledPath`: all functions that ran so far. */
  readonly compiled: () => Uint8Array;
}

/** Runs a bundle that is to lie at `path`, from nothing but its source. */
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

/** As Node wraps what is required, in the same line, so that no line has another number than in the file. */
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
  // The bundler writes nothing but ASCII.
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

/** V8 takes what is damaged as it is, and crashes. */
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

/** Of the source as well: of that, V8 compares no more than the length. */
function checksumOf(source: Uint8Array, functions: Uint8Array): Buffer {
  const checksum = Buffer.alloc(CHECKSUM_BYTES);
  checksum.writeUInt32LE(crc32(functions, crc32(source)));
  return checksum;
}
