import type { Clock } from '../core/ports.ts';
import type { SnapshotLog } from '../core/store.ts';
import type { MayAsk } from '../core/topups.ts';
import { GatewayError } from '../errors.ts';
import type { Feed, FollowedEvent } from '../feed/feed.ts';
import type { GraphQLParts } from '../graphql/context.ts';
import type { OnRefused } from './limits.ts';
import { limitExceeded } from './refusal.ts';
import { TokenBuckets } from './token-buckets.ts';

export interface LookupAllowancesOptions {
  readonly clock: Clock;
  readonly perMinute: number;
  readonly onRefused: OnRefused;
}

/** An order that nobody has seen is looked for about so often, after the first look, while it is followed. */
const MORE_LOOKS_IN_VAIN = 3;

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

  /** Lookups that were made on the caller's account without asking it first. */
  charge(caller: string, lookups: number): void {
    this.#buckets.charge(caller, lookups);
  }

  /** What resolvers are given, on the account of one caller. */
  partsFor(parts: GraphQLParts, caller: string): GraphQLParts {
    const { topups, feed, log } = parts;
    const mayAsk: MayAsk = () => this.spend(caller);
    return {
      ...parts,
      topups: { lookup: (orderId, maxAgeMs) => topups.lookup(orderId, maxAgeMs, mayAsk) },
      feed: {
        follow: (orderId, after) => {
          const follow = () => feed.follow(orderId, after);
          return new AccountedFollowing({ allowances: this, caller, log, orderId, follow });
        },
      },
    };
  }
}

interface FollowingOptions {
  readonly allowances: LookupAllowances;
  readonly caller: string;
  readonly log: SnapshotLog;
  readonly orderId: string;
  readonly follow: () => ReturnType<Feed['follow']>;
}

/**
 * Follows an order on somebody's account: the first look at one that the log does not know costs a lookup,
 * and the further looks as well where none of them found it.
 */
class AccountedFollowing implements AsyncIterableIterator<FollowedEvent> {
  readonly #options: FollowingOptions;
  #followed: ReturnType<Feed['follow']> | undefined;
  #inVain = false;
  #ended = false;

  constructor(options: FollowingOptions) {
    this.#options = options;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<FollowedEvent, undefined>> {
    const begins = this.#followed === undefined && !this.#ended;
    const refusal = begins ? await this.#begin() : undefined;
    if (this.#ended) return { done: true, value: undefined };
    if (refusal !== undefined) {
      this.#ended = true;
      return { done: false, value: refusal };
    }
    const result = await this.#followed?.next();
    const denied = result?.done === false && result.value instanceof GatewayError;
    if (denied && this.#inVain) this.#chargeMore();
    this.#inVain = false;
    return result ?? { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<FollowedEvent, undefined>> {
    this.#ended = true;
    if (this.#inVain) this.#chargeMore();
    return (await this.#followed?.return?.()) ?? { done: true, value: undefined };
  }

  async #begin(): Promise<GatewayError | undefined> {
    const { log, orderId, allowances, caller, follow } = this.#options;
    const known = (await log.find(orderId)) !== undefined;
    const refusal = known ? undefined : allowances.spend(caller);
    if (refusal !== undefined || this.#ended) return refusal;
    this.#inVain = !known;
    this.#followed = follow();
    return undefined;
  }

  #chargeMore(): void {
    this.#inVain = false;
    this.#options.allowances.charge(this.#options.caller, MORE_LOOKS_IN_VAIN);
  }
}
