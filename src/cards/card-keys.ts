import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import type { CardKey } from './card-codes.ts';

export const CARD_KEYS_EXPECTED =
  'keys as `id:base64,…`, each of 32 bytes with a name of its own out of letters, digits, "_" and "-"';

const KEY_BYTES = 32;

/** Parses a list of keys; `undefined` for a text that is not one; see `CARD_KEYS_EXPECTED`. */
export function parseCardKeys(text: string): readonly [CardKey, ...CardKey[]] | undefined {
  const [first, ...others] = text
    .split(/[,\n]/)
    .filter((part) => part.trim() !== '')
    .map(parseKey);
  if (first === undefined || !others.every((key) => key !== undefined)) return undefined;
  const keys: readonly [CardKey, ...CardKey[]] = [first, ...others];
  return new Set(keys.map(({ id }) => id)).size === keys.length ? keys : undefined;
}

function parseKey(text: string): CardKey | undefined {
  const [, id, base64] = /^([\w-]{1,32}):([A-Za-z0-9+/_-]{43}=?)$/.exec(text.trim()) ?? [];
  if (id === undefined || base64 === undefined) return undefined;
  const key = Buffer.from(base64, 'base64');
  return key.length === KEY_BYTES ? { id, key } : undefined;
}

export function newCardKey(): CardKey {
  return { id: randomBytes(6).toString('hex'), key: randomBytes(KEY_BYTES) };
}

/** A key file that cannot be used. The message is one line for the operator: which file, and why. */
export class CardKeysError extends Error {
  override readonly name = 'CardKeysError';
}

/**
 * The keys in a file; `undefined` if there is no file.
 *
 * @throws CardKeysError if the file cannot be read, or contains something else.
 */
export function readCardKeys(path: string): readonly [CardKey, ...CardKey[]] | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT') return undefined;
    const why = `holds the keys of the card codes and cannot be read (${code})`;
    throw new CardKeysError(`${path} ${why}`, { cause });
  }
  const keys = parseCardKeys(text);
  if (keys === undefined) {
    throw new CardKeysError(`${path} must hold ${CARD_KEYS_EXPECTED}: restore it from a backup`);
  }
  return keys;
}

/**
 * The keys in a file. Creates the file with a new key if it does not exist: readable for its owner alone, and under its
 * name only once it is complete, so that two processes that start at the same time use the same key.
 */
export function keepCardKeys(path: string): readonly [CardKey, ...CardKey[]] {
  const kept = readCardKeys(path);
  if (kept !== undefined) return kept;
  const { id, key } = newCardKey();
  const draft = `${path}.${id}`;
  const file = openSync(draft, 'wx', 0o600);
  try {
    writeSync(file, `${id}:${Buffer.from(key).toString('base64')}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  try {
    linkSync(draft, path);
  } catch (error) {
    // Another process may have created the file first.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return readCardKeys(path) ?? [{ id, key }];
}
