import type { Clock } from '../core/ports.ts';
import type { Refusal } from './answer.ts';

const WINDOW_MS = 60_000;

interface RateLimitOptions {
  /** Calls in any 60 s; `Infinity` for no limit. */
  readonly callsPerMinute: number;
  /** Whether a 429 has a `Retry-After`: the real upstream sends it only sometimes. */
  readonly sendsRetryAfter: boolean;
  readonly clock: Clock;
}

/** A sliding window over the accepted calls; refused calls do not count. */
export function createRateLimit({ callsPerMinute, sendsRetryAfter, clock }: RateLimitOptions) {
  /** A ring buffer of when each of the last `callsPerMinute` accepted calls came. */
  const letThrough: number[] = [];
  let next = 0;

  return {
    /** Returns a 429 for a call beyond the limit; otherwise counts the call and returns `undefined`. */
    refuse(): Refusal | undefined {
      if (callsPerMinute === Number.POSITIVE_INFINITY) return undefined;
      const now = clock.steady();
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
