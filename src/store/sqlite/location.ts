import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StoreOpenError } from '../errors.ts';

export const IN_MEMORY = ':memory:';

/**
 * The absolute path that a `file:` URL names, or `IN_MEMORY` for `file::memory:`.
 *
 * @throws StoreOpenError for any other URL.
 */
export function databasePath(url: string): string {
  // The message quotes only the scheme: another engine's URL may contain a password.
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1];
  if (scheme !== 'file') {
    const got = scheme === undefined ? 'a text without a scheme' : `a ${scheme}: URL`;
    throw misconfigured(`DATABASE_URL must be file:<path> or file::memory:, got ${got}`);
  }
  const path = url.slice('file:'.length);
  if (path === IN_MEMORY) return IN_MEMORY;
  if (path.trim() === '') {
    throw misconfigured('DATABASE_URL names no file: expected file:<path> or file::memory:');
  }
  if (path.includes('?')) {
    throw misconfigured(
      `DATABASE_URL takes no options: expected file:<path> without a "?", got ${url}`,
    );
  }
  return path.startsWith('//') ? pathOfFileUrl(url) : resolve(path);
}

function pathOfFileUrl(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw misconfigured(
      `DATABASE_URL names no file on this machine: expected file:<path> or file:///<path>, got ${url}`,
      cause,
    );
  }
}

function misconfigured(message: string, cause?: unknown): StoreOpenError {
  return new StoreOpenError(message, { cause, isMisconfigured: true });
}
