import { LRUCache } from 'lru-cache';
import {
  LONGEST_RETRY_MS,
  MANY_RETRIED,
  planner,
  retryDelayMs,
  trackedSince,
} from '../core/cadence.ts';
import { HOUR_MS } from '../core/durations.ts';
import { creationTimeOf } from '../core/order-id.ts';
import type { Clock, Logger, Random } from '../core/ports.ts';
import type { Order, Schedule, SnapshotLog } from '../core/store.ts';
import { isSettled, lacksCard, type Observation, type Snapshot } from '../core/topup.ts';
import { GatewayError } from '../errors.ts';
import { type CheckAnswer, type Failure, mayBeOfOrder } from '../upstream/answer.ts';
import type { UpstreamClient } from '../upstream/client.ts';
import { refused, throttled } from './gate.ts';
import type { Asked } from './gate-keeper.ts';
import { lateCards } from './late-cards.ts';
import type { ListedEnds } from './listed-ends.ts';
import type { News } from './news.ts';
import type { Pacer } from './pace.ts';
import type { Watchers } from './watchers.ts';

/** The `retryAfterMs` of a failed call for which the upstream gave none: as long as the gateway's own first backoff. */
const ASK_AGAIN_AFTER_MS = 2_000;

/** An order that was sent within this time may have ended just now: the upstream states up to 48 h for QUEUED. */
const LONGEST_LIFE_MS = 72 * HOUR_MS;
/** Our clock may differ from the upstream's by as much as this. */
const MOST_APART_MS = HOUR_MS;

/** Of more orders than this whose check was given up, the first ones are forgotten. */
const MOST_SLOW = 1_000;

/** The outcome of a check, for the queries that wait for it. */
export type Checked =
  | { readonly kind: 'observed'; readonly order: Order }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'failed'; readonly error: GatewayError; readonly wasGivenUp?: boolean };

interface CheckerOptions {
  readonly store: Pick<SnapshotLog & Schedule, 'find' | 'record' | 'reschedule' | 'due'>;
  readonly client: Pick<UpstreamClient, 'check'>;
  readonly watchers: Watchers;
  readonly pacer: Pacer;
  readonly listedEnds: ListedEnds;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly news: News;
}

type Observed = Extract<CheckAnswer, { kind: 'observed' }>;

/** Makes checks of single orders: calls the upstream, records the observation and plans the next check. */
export class Checker {
  readonly #options: CheckerOptions;
  /**
   * Orders whose last check was given up: the next one may take all its time, since it may be the order that is slow.
   */
  readonly #slow = new LRUCache<string, true>({ max: MOST_SLOW });
  /** Whether to wait for the card of an order that was shown without it. */
  readonly #isCardAwaited: (orderId: string) => boolean;

  constructor(options: CheckerOptions) {
    this.#options = options;
    this.#isCardAwaited = lateCards(options.clock);
  }

  /** Makes one check. Calls `onAnswer` when the answer arrives, before it is recorded. Rejects if the store fails. */
  async check(
    { orderId, isAwaited }: { readonly orderId: string; readonly isAwaited: boolean },
    onAnswer: (answer: CheckAnswer, asked: Asked) => void,
  ): Promise<Checked> {
    const isPatient = isAwaited || this.#slow.has(orderId);
    const answer = await this.#options.client.check(orderId, { isPatient });
    if (isSlow(answer)) this.#slow.set(orderId, true);
    else this.#slow.delete(orderId);
    const isKnown = answer.kind === 'failed' && (await this.#isKnown(orderId));
    onAnswer(answer, { orderId, isKnown });
    switch (answer.kind) {
      case 'observed':
        return (await this.#awaitsCard(answer)) ?? this.#record(answer);
      case 'unknown':
        await this.#onUnknown(orderId);
        return { kind: 'unknown' };
      default:
        await this.#onFailure(orderId, answer);
        return { kind: 'failed', error: toError(answer), wasGivenUp: isSlow(answer) };
    }
  }

  /** Never rejects: of an order that cannot be looked up nothing is known. */
  async #isKnown(orderId: string): Promise<boolean> {
    const order = await this.#options.store.find(orderId).catch(() => undefined);
    return order !== undefined;
  }

  /** If the answer lacks the card of an order that may have ended just now: the failure that it counts as. */
  async #awaitsCard({ observation }: Observed): Promise<Checked | undefined> {
    if (!lacksCard(observation)) return undefined;
    const { orderId } = observation;
    const { latest } = (await this.#options.store.find(orderId)) ?? {};
    if (latest === undefined ? this.#isLongAgo(observation) : !lacksCardYet(latest))
      return undefined;
    if (!this.#isCardAwaited(orderId)) {
      this.#options.logger.warn({ orderId }, 'fulfilled, and OneClickDz shows no readable card');
      return undefined;
    }
    await this.#onFailedLook(orderId);
    return { kind: 'failed', error: withoutCard() };
  }

  /** Whether an order that is seen for the first time ended before anybody could still write its card. */
  #isLongAgo({ orderId, processedAt, createdAt }: Observation): boolean {
    const now = this.#options.clock.now();
    if (processedAt !== null) return now - processedAt > MOST_APART_MS;
    const at = createdAt ?? creationTimeOf(orderId) ?? Number.NEGATIVE_INFINITY;
    return now - at > LONGEST_LIFE_MS;
  }

  async #record({ observation, askedAt }: Observed): Promise<Checked> {
    const { store, watchers, pacer, listedEnds, news } = this.#options;
    const watched = watchers.has(observation.orderId);
    const recorded = await store.record(
      observation,
      planner(watched, { pace: pacer.pace, askedAt }),
    );
    watchers.seen(observation.orderId);
    listedEnds.verify(recorded.order.latest);
    news.recorded(recorded);
    return { kind: 'observed', order: recorded.order };
  }

  /** If the upstream has shown the order before, its "unknown" counts as a failed check. */
  async #onUnknown(orderId: string): Promise<void> {
    this.#options.watchers.missing(orderId);
    await this.#retryLater(orderId);
  }

  async #onFailure(orderId: string, failure: Failure): Promise<void> {
    // After a 429 or a refusal all calls wait, and the order stays due.
    if (failure.kind === 'failed') await this.#onFailedLook(orderId, !mayBeOfOrder(failure));
  }

  /** A look that brought no news: whether the order is known or not, the next one comes later. */
  async #onFailedLook(orderId: string, isOutage = false): Promise<void> {
    this.#options.watchers.failed(orderId, isOutage);
    await this.#retryLater(orderId, isOutage);
  }

  async #retryLater(orderId: string, isOutage = false): Promise<void> {
    const { store, watchers, news, clock, random } = this.#options;
    const order = await store.find(orderId);
    if (order === undefined || order.dueAt === null) return;
    const now = clock.now();
    const failures = order.failures + 1;
    // Never sooner than after a successful check.
    const since = trackedSince(order, now);
    const unplanned = { ...order, trackedSince: since, checkedAt: now };
    const plannedAt = planner(watchers.has(orderId))(unplanned);
    const among = isOutage ? await this.#dueSoon(now) : undefined;
    const retryAt = now + retryDelayMs(failures, random(), among);
    const dueAt = plannedAt === null ? null : Math.max(plannedAt, retryAt);
    await store.reschedule(orderId, { dueAt, failures, trackedSince: since });
    if (dueAt === null) news.abandoned(order);
  }

  /** How many orders there are to ask for, this one included: if the upstream fails at some alone, many others. */
  async #dueSoon(now: number): Promise<number> {
    const before = now + LONGEST_RETRY_MS;
    return (await this.#options.store.due({ before, limit: MANY_RETRIED })).length;
  }
}

function lacksCardYet({ upstreamStatus, cardCode }: Snapshot): boolean {
  return !isSettled(upstreamStatus) && cardCode === null;
}

function withoutCard(): GatewayError {
  const message = 'OneClickDz calls the order fulfilled, and does not show its card yet.';
  return new GatewayError('UPSTREAM_UNAVAILABLE', message, { retryAfterMs: ASK_AGAIN_AFTER_MS });
}

function isSlow(answer: CheckAnswer): boolean {
  return answer.kind === 'failed' && answer.reason === 'slow';
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
