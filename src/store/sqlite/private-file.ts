import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { errorCodeOf } from '../../core/logged-error.ts';
import { StoreOpenError } from '../errors.ts';
import { asOpenError } from './open-error.ts';

/**
 * Creates a file and its folder if they do not exist, the file with access for the gateway's own user only, since the
 * database holds card codes.
 *
 * @throws StoreOpenError also if the file is there and cannot be written: SQLite would not say why.
 */
export function createPrivately(path: string): void {
  try {
    makeFolder(dirname(path));
    // Otherwise SQLite would create the file with its default mode, which the -wal and -shm files inherit.
    // Never opens an existing file: closing it would release the locks of another store in this process.
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (errorCodeOf(error) !== 'EEXIST') throw asOpenError(error, path);
  }
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
    throw new StoreOpenError(`${path} is a folder: choose a file in it as DATABASE_URL`, {
      isMisconfigured: true,
    });
  }
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw asOpenError(error, path);
  }
}

/**
 * Makes a folder for the gateway's own user only: whoever could write to it could put another file in place of the
 * database or of the key file. Node's own recursive mkdir never returns if the kernel refuses with ENOENT, as it does
 * below `/proc`.
 */
function makeFolder(folder: string): void {
  if (existsSync(folder) || dirname(folder) === folder) return;
  makeFolder(dirname(folder));
  try {
    mkdirSync(folder, 0o700);
  } catch (error) {
    // Another process that opens the same database may have made the folder meanwhile.
    if (errorCodeOf(error) !== 'EEXIST') throw error;
  }
}
