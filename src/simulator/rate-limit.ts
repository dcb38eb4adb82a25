import type { Clock } from '../core/ports.ts';
import type { Refusal } from './answer.ts';

const WINDOW_MS = 60_000;

export interface RateLimitOptions {
  /** Calls in any 60 s; `Infinity` for no limit. */
  readonly callsPerMinute: number;
  /** Whether a 429 says how long to wait: the real one does sometimes. */
  readonly sendsRetryAfter: boolean;
  readonly clock: Clock;
}

/** A sliding window over the calls that were let through; those that were refused do not count. */
export function createRateLimit({ callsPerMinute, sendsRetryAfter, clock }: RateLimitOptions) {
  /** When each of the last `callsPerMinute` calls was let through, in a ring. */
  const letThrough: number[] = [];
  let next = 0;

  return {
    /** Counts a call; `undefined` where it may go on. */
    refuse(): Refusal | undefined {
      if (callsPerMinute === Number.POSITIVE_INFINITY) return undefined;
      const now = clock.now();
      const freeAt = (letThrough[next] ?? Number.NEGATIVE_INFINITY) + WINDOW_MS;
      if (now < freeAt) {
        return throttled(sendsRetryAfter ? Math.ceil((freeAt - now) / 1_000) : undefined);
      }
      letThrough[next] = now;
      next = (next + 1) % callsPerMinute;
      return undefined;
    },
  };
}

export function throttled(retryAfterSeconds?: number): Refusal {
  return {
    kind: 'refusal',
    httpStatus: 429,
    code: 'RATE_LIMIT_EXCEEDED',
    message: 'Too many requests',
    retryAfterSeconds,
  };
}
