import type { Clock } from '../core/ports.ts';
import type { Guard } from './guard.ts';
import type { Limits } from './limits.ts';
import { limitExceeded } from './refusal.ts';
import { refilled } from './token-buckets.ts';

/** Clients of graphql-ws come back after this, and go on after their last cursor. */
export const TRY_AGAIN_LATER = 1_013;

/** And do not come back after this one. */
export const TOO_MANY_REQUESTS = 4_429;

/** Whoever says something over a socket. */
export interface Talker {
  /** How much more it may say at once. */
  messagesLeft: number;
  /** When it said something last, Unix milliseconds. */
  heardAt: number;
}

/** How much may be said over one socket. */
export class MessageRate {
  readonly perSecond: number;
  /** What one that has been silent may say at once: a client that comes back asks for all its subscriptions. */
  readonly capacity: number;
  readonly #clock: Clock;

  constructor({ messagesPerSecond, subscriptionsPerConnection }: Limits, clock: Clock) {
    this.perSecond = messagesPerSecond;
    this.capacity = messagesPerSecond + subscriptionsPerConnection;
    this.#clock = clock;
  }

  /** Counts one message: whether it is not one too many. */
  allows(talker: Talker): boolean {
    const now = this.#clock.now();
    talker.messagesLeft = refilled(talker.messagesLeft, now - talker.heardAt, this) - 1;
    talker.heardAt = now;
    return talker.messagesLeft >= 0;
  }
}

/** What `ws` says of a message that is too long, or of too many pieces. */
const OF_SIZE: ReadonlySet<unknown> = new Set([
  'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
  'WS_ERR_TOO_MANY_BUFFERED_PARTS',
]);

/** Whether `ws` closed a socket for the size of a message: a limit that it keeps by itself. */
export function isOfSize({ code }: NodeJS.ErrnoException): boolean {
  return OF_SIZE.has(code);
}

/**
 * Refuses an operation on a socket that runs as many as it may, among them this one.
 *
 * @throws GatewayError
 */
export function refuseOneTooMany(
  operations: Readonly<Record<string, unknown>>,
  { limits, onRefused }: Guard,
): void {
  const most = limits.subscriptionsPerConnection;
  if (Object.keys(operations).length <= most) return;
  onRefused('subscriptions_per_connection');
  throw limitExceeded(`At most ${most} operations may run on one socket at a time.`);
}
