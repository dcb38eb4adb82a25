import { MINUTE_MS } from '../core/durations.ts';
import type { Clock, Logger } from '../core/ports.ts';
import { Seldom } from '../core/seldom.ts';

const EVERY_MS = 10 * MINUTE_MS;

/** Of what is longer than the origin of any page, the rest is not logged. */
const LONGEST_ORIGIN = 300;

/** Tells operators whose pages are refused: to the page itself a browser speaks of CORS, or of a socket that failed. */
export class ForeignPages {
  readonly #logger: Logger;
  readonly #refusals: Seldom;

  constructor({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#logger = logger;
    this.#refusals = new Seldom(clock, EVERY_MS);
  }

  /** @param origin `undefined` for a request that a browser sends without: no setting would let it in. */
  refused(origin: string | undefined): void {
    if (origin === undefined) return;
    const times = this.#refusals.times();
    if (times === undefined) return;
    this.#logger.warn(
      { origin: origin.slice(0, LONGEST_ORIGIN), times },
      'a page was refused: its origin is not named in ALLOWED_ORIGINS',
    );
  }
}
