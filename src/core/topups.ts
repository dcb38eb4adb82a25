import type { TopupView } from './view.ts';

/**
 * Called once before an upstream call that only this caller has requested. Returns why the call may not be charged
 * to this caller, or `undefined` if it may.
 */
export type MayAsk = () => Error | undefined;

/** What the schema needs: the current state of an order. */
export interface Topups {
  /**
   * The state of an order. It comes from the log if the order is settled or was checked recently enough, otherwise
   * from one upstream check that all concurrent lookups of the order share. `null` if the upstream knows no such
   * order. While the upstream fails, the result is what the log holds, marked as stale.
   *
   * @param maxAgeMs how old the last check of an unsettled order may be; 0 forces a check within the budget.
   *   Defaults to 5 s, and to 5 min for a parked order.
   * @param mayAsk decides whether an upstream call may be charged to this caller. If not, the lookup rejects with the
   *   returned error for an order never seen, or if `maxAgeMs` is given; otherwise it resolves to what the log
   *   holds, marked as stale.
   * @throws GatewayError `UPSTREAM_*` if nothing is known about the order and the upstream cannot be asked.
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
