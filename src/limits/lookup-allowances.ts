import type { Clock } from '../core/ports.ts';
import type { GatewayError } from '../errors.ts';
import type { Account } from '../feed/terms.ts';
import { limitExceeded, type OnRefused } from './limits.ts';
import { TokenBuckets } from './token-buckets.ts';

interface LookupAllowancesOptions {
  readonly clock: Clock;
  readonly perMinute: number;
  readonly onRefused: OnRefused;
}

/**
 * Limits the lookups with which a caller causes calls to OneClickDz: each caller has a token bucket with a minute's
 * lookups. An answer from the log costs nothing, and neither does a call that another caller already causes.
 */
export class LookupAllowances {
  readonly #buckets: TokenBuckets;
  readonly #options: LookupAllowancesOptions;

  constructor(options: LookupAllowancesOptions) {
    this.#options = options;
    this.#buckets = new TokenBuckets({
      clock: options.clock,
      capacity: options.perMinute,
      perSecond: options.perMinute / 60,
    });
  }

  /** Takes one lookup off the caller's allowance. Returns an error if the allowance is used up. */
  spend(caller: string): GatewayError | undefined {
    const retryAfterMs = this.#buckets.take(caller);
    if (retryAfterMs === 0) return undefined;
    this.#options.onRefused('lookups');
    return limitExceeded(
      `At most ${this.#options.perMinute} lookups a minute of one client may have OneClickDz asked.`,
      retryAfterMs,
    );
  }

  /** Charges the caller for lookups that were made without a call of `spend`. */
  charge(caller: string, lookups: number): void {
    this.#buckets.charge(caller, lookups);
  }

  /** What one caller may spend. */
  accountOf(caller: string): Account {
    return new CallerAccount(this, caller);
  }
}

/** A class rather than two closures, since each of thousands of subscribers has one. */
class CallerAccount implements Account {
  readonly #allowances: LookupAllowances;
  readonly #caller: string;

  constructor(allowances: LookupAllowances, caller: string) {
    this.#allowances = allowances;
    this.#caller = caller;
  }

  spend(): GatewayError | undefined {
    return this.#allowances.spend(this.#caller);
  }

  charge(lookups: number): void {
    this.#allowances.charge(this.#caller, lookups);
  }
}
