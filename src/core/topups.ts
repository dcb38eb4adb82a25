import type { TopupView } from './view.ts';

/**
 * Asked once before a call to the upstream that nobody else asks for at that moment: why it may not be made
 * on this caller's account, or `undefined` where it may.
 */
export type MayAsk = () => Error | undefined;

/** What the schema asks of the rest: the state of an order, now. */
export interface Topups {
  /**
   * The state of an order: from the log where it is settled or fresh enough, else from one upstream check
   * that is shared with everybody who asks for it at that moment. `null` where the upstream knows no such
   * order. With the upstream failing: what the log holds, marked as stale.
   *
   * @param maxAgeMs how old the answer may be for an order in progress; 0 forces a check within the budget.
   *   Without it 5 s, and 5 min for a parked order.
   * @param mayAsk whose account a call goes on. One that may not be made fails a lookup that needs it: of an
   *   order never seen, or with a `maxAgeMs`. Others get what the log holds, marked as stale.
   * @throws GatewayError `UPSTREAM_*`, where nothing is known of the order and the upstream cannot be asked.
   */
  lookup(orderId: string, maxAgeMs?: number, mayAsk?: MayAsk): Promise<TopupView | null>;
}

/** What the feed asks of the rest: that somebody keeps an order fresh while it is followed. */
export interface Watch {
  /**
   * Keeps asking for an order until the returned function is called. `onMissing` is called when the
   * upstream has denied the order for 15 s; never while the upstream fails.
   */
  watch(orderId: string, onMissing: () => void): () => void;
}
