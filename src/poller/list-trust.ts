import { isInProgress } from '../core/cadence.ts';
import type { Clock, Logger } from '../core/ports.ts';
import type { Recorded } from '../core/store.ts';
import type { Telemetry } from '../core/telemetry.ts';
import { isSettled } from '../core/topup.ts';

/** A list that is up to date to this is as good as any. */
const LATEST_ROW_MS = 5_000;

const FIRST_DISTRUST_MS = 60_000;
const LONGEST_DISTRUST_MS = 30 * 60_000;

export interface ListTrustOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
}

/**
 * Whether lists are relied on. They must prove themselves: they are while they show the orders that they
 * should, and are not, for a while that doubles, the moment that they do not.
 */
export class ListTrust {
  readonly #options: ListTrustOptions;
  #distrustMs = FIRST_DISTRUST_MS;
  #trustedFrom = 0;
  /** How far our clock is ahead of the upstream's, at the most. */
  #aheadMs = Number.POSITIVE_INFINITY;

  constructor(options: ListTrustOptions) {
    this.#options = options;
  }

  get isTrusted(): boolean {
    return this.#options.clock.now() >= this.#trustedFrom;
  }

  /** A list showed all that it should. */
  proved(): void {
    this.#distrustMs = FIRST_DISTRUST_MS;
  }

  lost(reason: string): void {
    const { clock, logger, telemetry } = this.#options;
    this.#trustedFrom = clock.now() + this.#distrustMs;
    telemetry.sweepsStopped(reason);
    logger.warn(
      { reason, waitSeconds: this.#distrustMs / 1_000 },
      'sweeps are off: a list cannot be relied on; orders are checked one by one',
    );
    this.#distrustMs = Math.min(this.#distrustMs * 2, LONGEST_DISTRUST_MS);
  }

  /**
   * Checks what was told before against how an order ended: one that was listed as in progress well after
   * the upstream had processed it came from a list that lags behind. Clocks may differ; by how much at the
   * most is told by the youngest order at its first sight.
   */
  verify({ before, order: { latest } }: Recorded): void {
    const { createdAt, processedAt, observedAt } = latest;
    if (before === undefined) {
      if (createdAt !== null) this.#aheadMs = Math.min(this.#aheadMs, observedAt - createdAt);
      return;
    }
    if (!isInProgress(before) || !isSettled(latest.upstreamStatus) || processedAt === null) return;
    const lateMs = before.checkedAt - this.#aheadMs - processedAt;
    if (lateMs > LATEST_ROW_MS && this.isTrusted) this.lost('stale rows');
  }
}
