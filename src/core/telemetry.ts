/** Events that the parts of the gateway report, for the Prometheus metrics. */

/**
 * Why the plan of an operation was given up: a field failed with an error for clients, something came up that no plan
 * provides for (a number as an id), or there was a fault in the gateway.
 */
export type PlanGivenUp = 'error' | 'unplanned' | 'fault';

export type UpstreamOperation = 'check-id' | 'list' | 'validate';

export interface Telemetry {
  upstreamCall(call: {
    readonly operation: UpstreamOperation;
    readonly outcome: string;
    readonly durationMs: number;
  }): void;

  /** A snapshot was appended. `lagMs` is `undefined` unless the upstream stated when the order changed. */
  snapshotAppended(snapshot: { readonly status: string; readonly lagMs: number | undefined }): void;

  /** Lists are no longer trusted for a while, so sweeps stop. */
  sweepsStopped(reason: string): void;

  /** A list, which is still trusted, does not show so many of the orders that it should. */
  ordersLeftOut(count: number): void;

  /** An event was handed to a subscriber. */
  eventSent(): void;

  subscriptionOpened(): void;
  subscriptionClosed(): void;
}
