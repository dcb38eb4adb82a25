import type { Order, Recorded, Reschedule } from '../../../src/core/store.ts';
import { isSettled, type Snapshot } from '../../../src/core/topup.ts';
import type { StoreCall } from './lifetime.ts';
import type { Scenario } from './scenario.ts';

/** All times are Unix milliseconds. */

/** One call, as the upstream saw it. */
export interface RecordedCall {
  /** Which process made it, from 1. */
  readonly process: number;
  readonly operation: 'check-id' | 'list';
  /** The order of a single check; `undefined` for a list. */
  readonly orderId: string | undefined;
  /** The window of creation time that a list asked for, both bounds inclusive; `undefined` for a check. */
  readonly window: { readonly from: number; readonly to: number } | undefined;
  readonly startedAt: number;
  end: CallEnd | undefined;
}

export interface CallEnd {
  readonly at: number;
  /** An HTTP status, or `reset`: no answer came; `aborted`: the client gave up; `cut`: the calling process ended. */
  readonly outcome: number | 'reset' | 'aborted' | 'cut';
  readonly retryAfterMs?: number | undefined;
  /** Whether this is not the answer of a healthy upstream. */
  readonly isFaulty: boolean;
}

/** A write of an order's schedule: after a check, whether it brought news or not, or for another reason. */
export interface RecordedPlan {
  readonly orderId: string;
  readonly at: number;
  readonly dueAt: number | null;
  /** The order after a check; `undefined` if only the schedule was changed. */
  readonly order: Order | undefined;
}

export interface RecordedLookup {
  readonly process: number;
  readonly orderId: string;
  readonly askedAt: number;
  end: { readonly at: number; readonly result: unknown } | undefined;
}

export interface RecordedWatch {
  readonly orderId: string;
  readonly from: number;
  /** `undefined` if the watch lasted to the end of the run. */
  until: number | undefined;
}

export interface RecordedProcess {
  readonly startedAt: number;
  /** When the process was told to stop; equals `endedAt` after a crash. */
  stoppedAt: number | undefined;
  endedAt: number | undefined;
  crashed: boolean;
}

/** The truth about an order at the upstream. */
export interface SentOrder {
  readonly orderId: string;
  readonly createdAt: number;
  readonly settlesAt: number;
  readonly status: 'FULFILLED' | 'REFUNDED';
}

/** Everything that was observed from outside during a run, and the final content of the log. */
export interface Run {
  readonly scenario: Scenario;
  readonly startedAt: number;
  readonly calls: RecordedCall[];
  readonly plans: RecordedPlan[];
  readonly lookups: RecordedLookup[];
  readonly watches: RecordedWatch[];
  readonly processes: RecordedProcess[];
  readonly orders: SentOrder[];
  /** When all faults had ended, and all waits that the upstream had imposed were over. */
  calmAt: number;
  /** What the budget allowed at `calmAt`. */
  calmCallsPerMinute: number;
  /** When the last process was told to stop. */
  endedAt: number;
  /** The final content of the log, by order. */
  readonly log: Map<string, readonly Snapshot[]>;
  /** The card and the refund message that a final check of each settled order shows. */
  readonly proofs: Map<string, Proof>;
}

export interface Proof {
  readonly cardCode: string | null;
  readonly refundMessage: string | null;
}

/** The schedule writes that a call to the store has made. */
export function plansOf({ name, input, result }: StoreCall, at: number): RecordedPlan[] {
  if (name === 'record') return [planOf(result as Recorded, at)];
  if (name === 'recordAll') return (result as Recorded[]).map((each) => planOf(each, at));
  if (name !== 'reschedule') return [];
  const { dueAt } = input[1] as Reschedule;
  return [{ orderId: input[0] as string, at, dueAt, order: undefined }];
}

function planOf({ order }: Recorded, at: number): RecordedPlan {
  const { orderId, upstreamStatus } = order.latest;
  return { orderId, at, dueAt: isSettled(upstreamStatus) ? null : order.dueAt, order };
}
