import type { Clock, Logger } from '../core/ports.ts';
import type { Schedule } from '../core/store.ts';
import type { Watchers } from './watchers.ts';

/** A smaller step delays checks by no more than itself. */
const SMALLEST_MS = 1_000;

interface ClockSetBacksOptions {
  readonly schedule: Pick<Schedule, 'clockSetBack'>;
  readonly watchers: Watchers;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Notices that the system's clock was set back, and then brings forward what else would wait until it has caught up.
 * Nothing needs to be done when it was set forward: more is due then, and the budget spreads the calls.
 */
export class ClockSetBacks {
  readonly #options: ClockSetBacksOptions;
  /** By how much `now` was ahead of `steady`. At first infinitely, since nobody saw the clock while no process ran. */
  #aheadMs = Number.POSITIVE_INFINITY;

  constructor(options: ClockSetBacksOptions) {
    this.#options = options;
  }

  /** Whether the clock was set back since it was last looked at. To be called often, since two clocks drift apart. */
  noticed(): boolean {
    const aheadMs = this.#nowAheadMs();
    if (this.#aheadMs - aheadMs >= SMALLEST_MS) return true;
    this.#aheadMs = aheadMs;
    return false;
  }

  async mend(): Promise<void> {
    const { schedule, watchers, clock, logger } = this.#options;
    const aheadMs = this.#nowAheadMs();
    const seconds = Math.round((this.#aheadMs - aheadMs) / 1_000);
    await schedule.clockSetBack(clock.now());
    watchers.clockSetBack();
    this.#aheadMs = aheadMs;
    if (Number.isFinite(seconds))
      logger.warn({ seconds }, 'the clock of this machine was set back');
  }

  #nowAheadMs(): number {
    return this.#options.clock.now() - this.#options.clock.steady();
  }
}
