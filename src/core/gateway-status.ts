import type { Census } from './store.ts';
import type { UpstreamStatus } from './upstream-status.ts';

/** What an operator wants to know of a running gateway. */
export interface GatewayStatus {
  /** Whether the built-in simulator stands in for OneClickDz. */
  readonly simulated: boolean;
  readonly upstream: UpstreamStatus;
  /** Whether what the upstream answers can be written to the log, as far as the last answer tells. */
  readonly canRecord: boolean;
  /** Whether what is written to the log outlasts this process: not if the log's file was deleted or replaced. */
  readonly isLogInPlace: boolean;
  readonly census: Census;
  /** How long the longest-due order has been due, in milliseconds; 0 when no order is due. */
  readonly scheduleDelayMs: number;
  readonly subscriptions: number;
  readonly startedAt: number;
  readonly logId: string;
}

export interface GatewayStatusSource {
  gatewayStatus(): Promise<GatewayStatus>;

  /** When calls to the upstream resume, Unix milliseconds; `null` while they are not suspended. */
  callsResumeAt(): number | null;
}
