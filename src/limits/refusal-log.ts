import type { Clock, Logger } from '../core/ports.ts';
import { Seldom } from '../core/seldom.ts';
import type { LimitName } from './limits.ts';

const EVERY_MS = 10 * 60_000;

/** Tells operators which limits clients meet: of each limit once in ten minutes, so that no client can fill the log. */
export class RefusalLog {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #byLimit = new Map<LimitName, Seldom>();

  constructor({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = clock;
    this.#logger = logger;
  }

  tell(limit: LimitName): void {
    const seldom = this.#byLimit.get(limit) ?? new Seldom(this.#clock, EVERY_MS);
    this.#byLimit.set(limit, seldom);
    const times = seldom.times();
    if (times === undefined) return;
    this.#logger.warn(
      { limit, times },
      'a client wanted more than one client may have; docs/limits.md tells of each limit',
    );
  }
}
