import type { Clock } from '../core/ports.ts';
import type { Guard } from './guard.ts';
import { type Limits, limitExceeded } from './limits.ts';
import { refilled } from './token-buckets.ts';

/** A close code after which graphql-ws clients reconnect, and go on after their last cursor. */
export const TRY_AGAIN_LATER = 1_013;

/** A close code after which graphql-ws clients do not reconnect. */
export const TOO_MANY_REQUESTS = 4_429;

/** A sender of messages on a socket. */
export interface Talker {
  /** How many more messages it may send at once. */
  messagesLeft: number;
  /** When it last sent a message, by `Clock.steady`. */
  heardAt: number;
}

/** Limits the messages on one socket. */
export class MessageRate {
  readonly perSecond: number;
  /** How many messages may come at once after silence: a page turns, ends all its subscriptions and begins others. */
  readonly capacity: number;
  readonly #clock: Clock;

  constructor({ messagesPerSecond, subscriptionsPerConnection }: Limits, clock: Clock) {
    this.perSecond = messagesPerSecond;
    this.capacity = messagesPerSecond + 2 * subscriptionsPerConnection;
    this.#clock = clock;
  }

  /** Counts one message. Returns `false` if it is one too many. */
  allows(talker: Talker): boolean {
    const now = this.#clock.steady();
    talker.messagesLeft = refilled(talker.messagesLeft, now - talker.heardAt, this) - 1;
    talker.heardAt = now;
    return talker.messagesLeft >= 0;
  }
}

/** The error codes of `ws` for a message that is too long or has too many fragments. */
const OF_SIZE: ReadonlySet<unknown> = new Set([
  'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
  'WS_ERR_TOO_MANY_BUFFERED_PARTS',
]);

/** Whether `ws` closed a socket because of the size of a message, a limit that `ws` itself enforces. */
export function isOfSize({ code }: NodeJS.ErrnoException): boolean {
  return OF_SIZE.has(code);
}

/**
 * Refuses an operation on a socket that runs too many.
 *
 * @param operations those on the socket, the new one included.
 * @throws GatewayError `LIMIT_EXCEEDED`
 */
export function refuseOneTooMany(operations: number, { limits, onRefused }: Guard): void {
  const most = limits.subscriptionsPerConnection;
  if (operations <= most) return;
  onRefused('subscriptions_per_connection');
  throw limitExceeded(`At most ${most} operations may run on one socket at a time.`);
}
