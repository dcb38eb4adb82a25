import { isAbandoned } from '../core/cadence.ts';
import type { Logger } from '../core/ports.ts';
import type { Order, Recorded } from '../core/store.ts';
import type { Telemetry } from '../core/telemetry.ts';
import { type Snapshot, statusOf } from '../core/topup.ts';
import type { ListTrust } from './list-trust.ts';
import type { Pacer } from './pace.ts';

interface NewsOptions {
  readonly pacer: Pacer;
  readonly trust: ListTrust;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
}

/**
 * Passes on what a check or a list has shown of an order: to the log and the metrics, and to those that learn from it.
 */
export class News {
  readonly #options: NewsOptions;

  constructor(options: NewsOptions) {
    this.#options = options;
  }

  /** To be called with each observation that was recorded. */
  recorded(recorded: Recorded): void {
    const { order, appended } = recorded;
    const { pacer, trust } = this.#options;
    pacer.learn(recorded);
    trust.verify(recorded);
    if (appended !== undefined) this.#tellOf(appended);
    if (isAbandoned(order)) this.abandoned(order);
  }

  /** To be called with an order that is no longer planned, though it has no end. */
  abandoned({ latest }: Order): void {
    const status = statusOf(latest.upstreamStatus);
    this.#options.logger.warn(
      { orderId: latest.orderId, status },
      'abandoned: no end in seven days; a query for the order starts again',
    );
  }

  #tellOf({ orderId, version, upstreamStatus, observedAt, processedAt }: Snapshot): void {
    const { logger, telemetry } = this.#options;
    const status = statusOf(upstreamStatus);
    // `processedAt` is the only time of a change that the upstream states. An order that had settled before the
    // gateway first looked says nothing about the gateway's lag.
    const known = version > 1 && processedAt !== null;
    const lagMs = known ? Math.max(0, observedAt - processedAt) : undefined;
    telemetry.snapshotAppended({ status, lagMs });
    logger.info({ orderId, version, status }, 'snapshot');
  }
}
