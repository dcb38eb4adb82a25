import { CardKeysError } from '../../cards/card-keys.ts';
import { errorCodeOf } from '../../core/logged-error.ts';
import { StoreOpenError } from '../errors.ts';
import { sqliteErrorOf } from './faults.ts';

/** What was thrown while a database was opened, as one line that says what to do; anything unknown as it is. */
export function asOpenError(error: unknown, path: string): unknown {
  if (error instanceof StoreOpenError) return error;
  if (error instanceof CardKeysError) {
    return new StoreOpenError(error.message, { cause: error, isMisconfigured: true });
  }
  const code = sqliteErrorOf(error)?.code ?? errorCodeOf(error);
  if (code === undefined) return error;
  const isMisconfigured = LASTING.test(code);
  const message = `${path} ${complaint(code)} (${code})`;
  return new StoreOpenError(message, { cause: error, isMisconfigured });
}

/** Not ENOENT, as of a disk that is mounted later, nor SQLITE_CANTOPEN and SQLITE_READONLY, which do not say why. */
const LASTING = /^(ENOTDIR|EEXIST|EACCES|EPERM|EROFS|SQLITE_NOTADB)$/;

/** What is wrong, and what to do about it. Matches extended SQLite codes by their prefix. */
function complaint(code: string): string {
  if (/^SQLITE_NOTADB/.test(code)) return 'is not a SQLite database: choose another DATABASE_URL';
  if (/^SQLITE_CORRUPT/.test(code)) return 'is damaged: restore it from a backup';
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) return 'is locked by another program: stop that one';
  if (/^(SQLITE_FULL|ENOSPC|EDQUOT)/.test(code)) return 'has no room left on its disk: make some';
  if (/^(ENOTDIR|EEXIST)$/.test(code)) return 'lies below a file: choose another DATABASE_URL';
  if (/^(SQLITE_READONLY|SQLITE_CANTOPEN|SQLITE_PERM|EACCES|EPERM|EROFS|ENOENT)/.test(code)) {
    return 'cannot be written: give the gateway write access to the file and its folder, or choose another DATABASE_URL';
  }
  return 'cannot be used: see to its disk, restore it from a backup, or choose another DATABASE_URL';
}
