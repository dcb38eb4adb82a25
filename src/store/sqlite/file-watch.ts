import { statSync } from 'node:fs';
import { MINUTE_MS } from '../../core/durations.ts';
import { errorCodeOf } from '../../core/logged-error.ts';
import type { Clock, Logger, Timer } from '../../core/ports.ts';
import { databasePath, IN_MEMORY } from './location.ts';

/** How often to look, if nobody asks. */
const LOOK_EVERY_MS = MINUTE_MS;

interface FileWatchOptions {
  /** Of a database that is open. */
  readonly url: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Notices that the database's file was deleted, or that another one was put in its place. SQLite would go on with the
 * file that it has open as if nothing had happened, and all that it writes would be lost with the process.
 */
export class FileWatch {
  readonly #options: FileWatchOptions;
  readonly #path: string;
  readonly #opened: string | undefined;
  #wasInPlace = true;
  #timer: Timer | undefined;

  constructor(options: FileWatchOptions) {
    this.#options = options;
    this.#path = databasePath(options.url);
    // Windows refuses to delete or rename a file that SQLite has open.
    const isWatched = this.#path !== IN_MEMORY && process.platform !== 'win32';
    this.#opened = isWatched ? identityOf(this.#path) : undefined;
  }

  start(): void {
    this.#timer = this.#options.clock.after(LOOK_EVERY_MS, () => {
      this.isInPlace();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Whether the path still leads to the file that was opened. The log tells when that changes. */
  isInPlace(): boolean {
    const isInPlace = this.#opened === undefined || this.#isOpened();
    if (isInPlace !== this.#wasInPlace) this.#tell(isInPlace);
    this.#wasInPlace = isInPlace;
    return isInPlace;
  }

  #isOpened(): boolean {
    try {
      return identityOf(this.#path) === this.#opened;
    } catch (error) {
      // Of a folder that may not be read any more, nothing is known.
      return errorCodeOf(error) !== 'ENOTDIR';
    }
  }

  #tell(isInPlace: boolean): void {
    const { logger } = this.#options;
    const database = this.#path;
    if (isInPlace) logger.info({ database }, 'the database file is back in its place');
    else {
      logger.error(
        { database },
        'the database file was deleted or replaced while the gateway runs: all that is written from now on is lost when it stops; restart it, so that it uses the file that is there',
      );
    }
  }
}

/** `undefined` if there is no file. */
function identityOf(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && `${found.dev} ${found.ino}`;
}
