/** What the parts report as they go. One implementation counts for Prometheus, one does nothing. */

export type UpstreamOperation = 'check-id' | 'list';

export interface Telemetry {
  upstreamCall(call: {
    readonly operation: UpstreamOperation;
    readonly outcome: string;
    readonly durationMs: number;
  }): void;

  /** A snapshot was appended. `lagMs` where the upstream told when the order changed. */
  snapshotAppended(snapshot: { readonly status: string; readonly lagMs: number | undefined }): void;

  /** Lists are not relied on for a while. */
  sweepsStopped(reason: string): void;

  /** An event was handed to a subscriber. */
  eventSent(): void;

  subscriptionOpened(): void;
  subscriptionClosed(): void;
}

export const noTelemetry: Telemetry = {
  upstreamCall() {},
  snapshotAppended() {},
  sweepsStopped() {},
  eventSent() {},
  subscriptionOpened() {},
  subscriptionClosed() {},
};
