import { loggedError } from '../core/logged-error.ts';
import type { Clock, Logger } from '../core/ports.ts';
import { Seldom } from '../core/seldom.ts';

/** How long calls pause after a fault: their answers could not be recorded. */
const PAUSE_MS = 1_000;
/** How often the log tells of a store that goes on failing. */
const TELL_EVERY_MS = 60_000;

interface StoreFaultsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with each fault: no call starts for this long. */
  readonly onPause: (ms: number) => void;
}

/** Whether the store takes what the upstream answers, as when the disk is full; tells of the beginning and the end. */
export class StoreFaults {
  readonly #options: StoreFaultsOptions;
  readonly #seldom: Seldom;
  #since: number | undefined;
  #pausedUntil = 0;

  constructor(options: StoreFaultsOptions) {
    this.#options = options;
    this.#seldom = new Seldom(options.clock, TELL_EVERY_MS);
  }

  /** Whether an attempt failed, and none has succeeded since. */
  get isFailing(): boolean {
    return this.#since !== undefined;
  }

  /** Whether one more call may start beside `inFlight` others: one at a time tries a store that has failed. */
  admits(inFlight: number): boolean {
    return !this.isFailing || inFlight === 0;
  }

  /** How long calls still pause. */
  get pauseMs(): number {
    return Math.max(0, this.#pausedUntil - this.#options.clock.steady());
  }

  /** To be called with each fault. Only time is lost: what was not recorded is asked for again. */
  met(cause: unknown): void {
    const now = this.#options.clock.steady();
    this.#since ??= now;
    this.#pausedUntil = now + PAUSE_MS;
    this.#tell(cause);
    this.#options.onPause(PAUSE_MS);
  }

  /** To be called when something has been written again. */
  wrote(): void {
    if (this.#since === undefined) return;
    const { clock, logger } = this.#options;
    const afterSeconds = Math.round((clock.steady() - this.#since) / 1_000);
    this.#since = undefined;
    logger.info({ afterSeconds }, 'the store can be written again');
  }

  #tell(cause: unknown): void {
    const times = this.#seldom.times();
    if (times === undefined) return;
    this.#options.logger.error(
      { ...loggedError(cause), times },
      'a call could not be made or written down; polling goes on in a second',
    );
  }
}
