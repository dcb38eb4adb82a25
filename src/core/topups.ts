import type { TopupView } from './view.ts';

/** What the resolvers need: the current state of an order, looked up for the caller that they answer. */
export interface CallersTopups {
  /**
   * The state of an order. It comes from the log if the order is settled or was checked recently enough, otherwise
   * from one upstream check that all concurrent lookups of the order share. `null` if the upstream knows no such
   * order. While the upstream fails, the result is what the log holds, marked as stale.
   *
   * @param maxAgeMs how old the last check of an unsettled order may be; 0 forces a check within the budget.
   *   Defaults to 5 s, and to 5 min for a parked order.
   * @throws GatewayError `UPSTREAM_*` if nothing is known about the order and the upstream cannot be asked.
   */
  lookup(orderId: string, maxAgeMs?: number): Promise<TopupView | null>;
}

/**
 * Takes an upstream call off a caller's allowance. Returns an error if the allowance is used up. Called just before the
 * call, and only for the caller that causes it: an answer from the log, or from a call that another one already waits
 * for, costs nothing.
 */
export type MayAsk = () => Error | undefined;

/** What the poller offers: lookups for all callers, each of which pays for the calls that it causes. */
export interface Topups extends CallersTopups {
  /**
   * @param mayAsk charges the caller. If it returns an error, the upstream is not asked. The lookup rejects with that
   *   error for an order never seen, or if `maxAgeMs` is given; otherwise it resolves to what the log holds, marked as
   *   stale. Without it every call is made.
   */
  lookup(orderId: string, maxAgeMs?: number, mayAsk?: MayAsk): Promise<TopupView | null>;
}

/** What the feed needs: that an order is checked regularly while a subscriber follows it. */
export interface Watch {
  /**
   * Has an order checked until the returned function is called. Calls `onMissing`, perhaps more than once, if the
   * upstream says that it knows no such order, the log has none either, and the watch is at least 15 s old; a failed
   * call to the upstream is no reason for it.
   */
  watch(orderId: string, onMissing: () => void): () => void;
}
