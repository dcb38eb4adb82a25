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
  /** Of a single check. */
  readonly orderId: string | undefined;
  /** Creation times that a list asked for, both inclusive. */
  readonly window: { readonly from: number; readonly to: number } | undefined;
  readonly startedAt: number;
  end: CallEnd | undefined;
}

export interface CallEnd {
  readonly at: number;
  /** `reset`: no answer came; `aborted`: the client gave up; `cut`: the process that asked has ended. */
  readonly outcome: number | 'reset' | 'aborted' | 'cut';
  readonly retryAfterMs?: number | undefined;
  /** Not the answer that a healthy upstream gives. */
  readonly isFaulty: boolean;
}

/** An order's schedule was written: after a check that brought news or none, or for another reason. */
export interface RecordedPlan {
  readonly orderId: string;
  readonly at: number;
  readonly dueAt: number | null;
  /** As it stood after a check; `undefined` where the schedule alone was changed. */
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
  /** `undefined` where it lasted to the end of the run. */
  until: number | undefined;
}

export interface RecordedProcess {
  readonly startedAt: number;
  /** When it was told to stop; the same as `endedAt` for one that crashed. */
  stoppedAt: number | undefined;
  endedAt: number | undefined;
  crashed: boolean;
}

/** An order as the upstream has it. */
export interface SentOrder {
  readonly orderId: string;
  readonly createdAt: number;
  readonly settlesAt: number;
  readonly status: 'FULFILLED' | 'REFUNDED';
}

/** All that was seen from outside in one run, and what the log holds in the end. */
export interface Run {
  readonly scenario: Scenario;
  readonly startedAt: number;
  readonly calls: RecordedCall[];
  readonly plans: RecordedPlan[];
  readonly lookups: RecordedLookup[];
  readonly watches: RecordedWatch[];
  readonly processes: RecordedProcess[];
  readonly orders: SentOrder[];
  /** When all faults had ended, and all that the upstream had told us to wait for was over. */
  calmAt: number;
  /** What the budget allowed then. */
  calmCallsPerMinute: number;
  /** When the last process was told to stop. */
  endedAt: number;
  /** The log in the end, by order. */
  readonly log: Map<string, readonly Snapshot[]>;
  /** Card and refund message that a check of each settled order shows in the end. */
  readonly proofs: Map<string, Proof>;
}

export interface Proof {
  readonly cardCode: string | null;
  readonly refundMessage: string | null;
}

/** What a call to the store says of schedules. */
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
