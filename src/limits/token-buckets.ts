import type { Clock } from '../core/ports.ts';

export interface TokenBucketsOptions {
  readonly clock: Clock;
  /** What a bucket holds when nothing was taken for long. */
  readonly capacity: number;
  /** What flows back, in tokens a second. */
  readonly perSecond: number;
}

interface Bucket {
  /** Below 0 for whoever was charged for more than there was. */
  tokens: number;
  at: number;
}

/** What a bucket holds so much later. A clock that is set back gives nothing and takes nothing. */
export function refilled(
  tokens: number,
  passedMs: number,
  { capacity, perSecond }: { readonly capacity: number; readonly perSecond: number },
): number {
  return Math.min(capacity, tokens + (Math.max(0, passedMs) / 1_000) * perSecond);
}

/** Beyond that many callers at once, the one heard of longest ago is forgotten. */
const MOST_KEYS = 10_000;

/**
 * A token bucket for each key. Ours, since the clock must be the caller's: rate-limiter-flexible reads
 * `Date.now` and sets a timer for each key, and knows windows, which allow twice the rate at their seam.
 */
export class TokenBuckets {
  readonly #options: TokenBucketsOptions;
  readonly #byKey = new Map<string, Bucket>();

  constructor(options: TokenBucketsOptions) {
    this.#options = options;
  }

  /** Takes one token: 0 where there was one, else milliseconds until there will be. */
  take(key: string): number {
    const bucket = this.#bucketOf(key);
    if (bucket.tokens < 1) {
      return Math.ceil(((1 - bucket.tokens) / this.#options.perSecond) * 1_000);
    }
    bucket.tokens -= 1;
    return 0;
  }

  /** Takes tokens whether there are any or not, but never more than a whole bucket into debt. */
  charge(key: string, tokens: number): void {
    const bucket = this.#bucketOf(key);
    bucket.tokens = Math.max(bucket.tokens - tokens, -this.#options.capacity);
  }

  #bucketOf(key: string): Bucket {
    const { clock, capacity, perSecond } = this.#options;
    const now = clock.now();
    const bucket = this.#byKey.get(key) ?? { tokens: capacity, at: now };
    bucket.tokens = refilled(bucket.tokens, now - bucket.at, { capacity, perSecond });
    bucket.at = now;
    this.#keep(key, bucket);
    return bucket;
  }

  /** Puts the key last, so that the first is the one heard of longest ago. */
  #keep(key: string, bucket: Bucket): void {
    this.#byKey.delete(key);
    this.#byKey.set(key, bucket);
    if (this.#byKey.size <= MOST_KEYS) return;
    const [oldest] = this.#byKey.keys();
    if (oldest !== undefined) this.#byKey.delete(oldest);
  }
}
