import { isAbandoned, planner, retryDelayMs } from '../core/cadence.ts';
import type { Clock, Logger, Random } from '../core/ports.ts';
import type { Order, Recorded, Schedule, SnapshotLog } from '../core/store.ts';
import type { Telemetry } from '../core/telemetry.ts';
import { type Snapshot, statusOf } from '../core/topup.ts';
import { GatewayError } from '../errors.ts';
import type { CheckAnswer, Failure } from '../upstream/answer.ts';
import type { UpstreamClient } from '../upstream/client.ts';
import { refused, throttled } from './gate.ts';
import type { Pacer } from './pace.ts';
import type { Watchers } from './watchers.ts';

/** For a client whose order has no schedule yet: as long as the gateway itself would wait after one failure. */
const ASK_AGAIN_AFTER_MS = 2_000;

/** What a check came to, for whoever waits for it. */
export type Checked =
  | { readonly kind: 'observed'; readonly order: Order }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'failed'; readonly error: GatewayError };

export interface CheckerOptions {
  readonly store: SnapshotLog & Schedule;
  readonly client: UpstreamClient;
  readonly watchers: Watchers;
  readonly pacer: Pacer;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  /** Told of each answer that was taken down. */
  readonly onRecorded: (recorded: Recorded) => void;
}

type Observed = Extract<CheckAnswer, { kind: 'observed' }>;

/** One check of one order: asks, takes down what came, and says when to ask again. */
export class Checker {
  readonly #options: CheckerOptions;

  constructor(options: CheckerOptions) {
    this.#options = options;
  }

  /** Asks, and tells `onAnswer` at once, before the answer is on disk. */
  async check(orderId: string, onAnswer: (answer: CheckAnswer) => void): Promise<Checked> {
    const answer = await this.#options.client.check(orderId);
    onAnswer(answer);
    switch (answer.kind) {
      case 'observed':
        return { kind: 'observed', order: await this.#record(answer) };
      case 'unknown':
        await this.#onUnknown(orderId);
        return { kind: 'unknown' };
      default:
        await this.#onFailure(orderId, answer);
        return { kind: 'failed', error: toError(answer) };
    }
  }

  async #record({ observation, askedAt }: Observed): Promise<Order> {
    const { store, watchers, pacer } = this.#options;
    const watched = watchers.has(observation.orderId);
    const recorded = await store.record(
      observation,
      planner(watched, { pace: pacer.pace, askedAt }),
    );
    watchers.seen(observation.orderId);
    this.report(recorded);
    return recorded.order;
  }

  /** Tells the log and the metrics what a call added, and learns from it. */
  report(recorded: Recorded): void {
    const { order, appended } = recorded;
    this.#options.pacer.learn(recorded);
    this.#options.onRecorded(recorded);
    if (appended !== undefined) this.#reportSnapshot(appended);
    if (isAbandoned(order)) this.#warnOfAbandoned(order);
  }

  #reportSnapshot({ orderId, version, upstreamStatus, observedAt, processedAt }: Snapshot): void {
    const { logger, telemetry } = this.#options;
    const status = statusOf(upstreamStatus);
    // The upstream tells when it processed an order, and nothing else of when things change. What was
    // over before we first looked says nothing of our lag.
    const known = version > 1 && processedAt !== null;
    const lagMs = known ? Math.max(0, observedAt - processedAt) : undefined;
    telemetry.snapshotAppended({ status, lagMs });
    logger.info({ orderId, version, status }, 'snapshot');
  }

  #warnOfAbandoned({ latest }: Order): void {
    const status = statusOf(latest.upstreamStatus);
    this.#options.logger.warn(
      { orderId: latest.orderId, status },
      'abandoned: no end in seven days; a query for the order starts again',
    );
  }

  /** For an order that the upstream has shown us before, "unknown" is a fault of the upstream's. */
  async #onUnknown(orderId: string): Promise<void> {
    this.#options.watchers.missing(orderId);
    await this.#retryLater(orderId);
  }

  async #onFailure(orderId: string, failure: Failure): Promise<void> {
    // The whole key waits then, and the order stays due.
    if (failure.kind !== 'failed') return;
    this.#options.watchers.failed(orderId);
    await this.#retryLater(orderId);
  }

  async #retryLater(orderId: string): Promise<void> {
    const { store, watchers, clock, random } = this.#options;
    const order = await store.find(orderId);
    if (order === undefined || order.dueAt === null) return;
    const now = clock.now();
    const failures = order.failures + 1;
    // Never sooner than it would have been asked again had all gone well.
    const plannedAt = planner(watchers.has(orderId))({ ...order, checkedAt: now });
    const dueAt =
      plannedAt === null ? null : Math.max(plannedAt, now + retryDelayMs(failures, random()));
    await store.reschedule(orderId, { dueAt, failures });
    if (dueAt === null) this.#warnOfAbandoned(order);
  }
}

function toError(failure: Failure): GatewayError {
  switch (failure.kind) {
    case 'throttled':
      return throttled(failure.retryAfterMs);
    case 'refused':
      return refused();
    case 'failed':
      return new GatewayError('UPSTREAM_UNAVAILABLE', 'OneClickDz gave no usable answer.', {
        retryAfterMs: failure.retryAfterMs ?? ASK_AGAIN_AFTER_MS,
      });
  }
}
