import type { Clock } from '../core/ports.ts';
import type { GatewayError } from '../errors.ts';
import type { Account } from '../feed/feed.ts';
import type { GraphQLParts } from '../graphql/context.ts';
import type { OnRefused } from './limits.ts';
import { limitExceeded } from './refusal.ts';
import { TokenBuckets } from './token-buckets.ts';

export interface LookupAllowancesOptions {
  readonly clock: Clock;
  readonly perMinute: number;
  readonly onRefused: OnRefused;
}

/**
 * Which callers may still have OneClickDz asked: a bucket of a minute's lookups for each. What comes from
 * the log costs nothing, and what others ask for at that moment neither.
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

  /** Takes one lookup off the caller's allowance. */
  spend(caller: string): GatewayError | undefined {
    const retryAfterMs = this.#buckets.take(caller);
    if (retryAfterMs === 0) return undefined;
    this.#options.onRefused('lookups');
    return limitExceeded(
      `At most ${this.#options.perMinute} lookups a minute of one client may have OneClickDz asked.`,
      retryAfterMs,
    );
  }

  /** Takes lookups that were made on the caller's account without asking it first. */
  charge(caller: string, lookups: number): void {
    this.#buckets.charge(caller, lookups);
  }

  /** What resolvers are given, on the account of one caller. */
  partsFor(parts: GraphQLParts, caller: string): GraphQLParts {
    const { topups, feed } = parts;
    const account = new CallerAccount(this, caller);
    return {
      ...parts,
      topups: {
        lookup: (orderId, maxAgeMs) => topups.lookup(orderId, maxAgeMs, () => account.spend()),
      },
      feed: {
        follow: (orderId, after, terms) => feed.follow(orderId, after, { ...terms, account }),
      },
    };
  }
}

/** A class, since each of thousands of subscribers has one. */
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
