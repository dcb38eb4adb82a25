import { LRUCache } from 'lru-cache';
import type { Clock } from '../core/ports.ts';

interface TokenBucketsOptions {
  readonly clock: Clock;
  /** The number of tokens in a full bucket. */
  readonly capacity: number;
  /** The refill rate, in tokens a second. */
  readonly perSecond: number;
}

interface Bucket {
  /** Below 0 after a charge of more tokens than there were. */
  tokens: number;
  at: number;
}

/** The tokens in a bucket after `passedMs`. */
export function refilled(
  tokens: number,
  passedMs: number,
  { capacity, perSecond }: { readonly capacity: number; readonly perSecond: number },
): number {
  return Math.min(capacity, tokens + (passedMs / 1_000) * perSecond);
}

/** Beyond so many keys, the least recently used one is forgotten. */
const MOST_KEYS = 10_000;

/**
 * A token bucket for each key. Our own, since the clock must be passed in: rate-limiter-flexible reads `Date.now` and
 * sets a timer for each key. It also counts in fixed windows, which allow twice the rate where two of them meet.
 */
export class TokenBuckets {
  readonly #options: TokenBucketsOptions;
  readonly #byKey = new LRUCache<string, Bucket>({ max: MOST_KEYS });

  constructor(options: TokenBucketsOptions) {
    this.#options = options;
  }

  /** Takes one token and returns 0. If there is none, returns the milliseconds until there will be one. */
  take(key: string): number {
    const bucket = this.#bucketOf(key);
    if (bucket.tokens < 1) {
      return Math.ceil(((1 - bucket.tokens) / this.#options.perSecond) * 1_000);
    }
    bucket.tokens -= 1;
    return 0;
  }

  /** Takes tokens even if there are none, down to a debt of one whole bucket. */
  charge(key: string, tokens: number): void {
    const bucket = this.#bucketOf(key);
    bucket.tokens = Math.max(bucket.tokens - tokens, -this.#options.capacity);
  }

  #bucketOf(key: string): Bucket {
    const { clock, capacity, perSecond } = this.#options;
    const now = clock.steady();
    const bucket = this.#byKey.get(key) ?? { tokens: capacity, at: now };
    bucket.tokens = refilled(bucket.tokens, now - bucket.at, { capacity, perSecond });
    bucket.at = now;
    this.#byKey.set(key, bucket);
    return bucket;
  }
}
