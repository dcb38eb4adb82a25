import type { Observation } from '../core/topup.ts';

/** Why a call gave no usable answer. The values also serve as metric labels and log fields. */
type FailureReason =
  | 'network'
  | 'timeout'
  /** Given up before the time-out, since such calls are usually much quicker. */
  | 'slow'
  /** The gateway ended the call itself. */
  | 'aborted'
  | 'http_status'
  /** 403 to a list or to the trial of the key, with a code that is about neither the key nor our address. */
  | 'forbidden'
  | 'too_large'
  | 'unreadable'
  | 'wrong_order';

/**
 * The outcome of a call without a usable answer. Calls never throw, and no outcome contains a response body. A
 * failed call says nothing about the order.
 */
export type Failure =
  /** 429. All calls with this key must wait. */
  | { readonly kind: 'throttled'; readonly retryAfterMs: number | undefined }
  /** 401 or 403: the upstream refuses the key or our address. After the fifth such call it blocks the address. */
  | {
      readonly kind: 'refused';
      readonly httpStatus: number;
      /** The upstream's error code, such as `IP_BLOCKED`. For the log. */
      readonly upstreamCode: string | undefined;
    }
  | {
      readonly kind: 'failed';
      readonly reason: FailureReason;
      /**
       * Of a network fault: the system's word for it, such as `ECONNREFUSED`, or the class of the error. For the log.
       */
      readonly networkCode?: string;
      readonly httpStatus?: number | undefined;
      readonly retryAfterMs?: number | undefined;
    };

/** Whether the upstream may have failed at this order alone. A 502 to 504 is a proxy's word for all of the upstream. */
export function mayBeOfOrder({
  reason,
  httpStatus,
  retryAfterMs,
}: Extract<Failure, { kind: 'failed' }>): boolean {
  if (retryAfterMs !== undefined) return false;
  return reason === 'http_status' ? httpStatus === 500 : OF_ORDERS.has(reason);
}

const OF_ORDERS: ReadonlySet<FailureReason> = new Set(['unreadable', 'wrong_order', 'too_large']);

export type CheckAnswer =
  | ({ readonly kind: 'observed'; readonly observation: Observation } & Asked)
  /** The upstream says that it knows no such order. */
  | { readonly kind: 'unknown' }
  | Failure;

export type ListAnswer =
  | ({
      readonly kind: 'listed';
      readonly observations: readonly Observation[];
      readonly rows: number;
    } & Asked)
  | Failure;

export type KeyAnswer = { readonly kind: 'validated'; readonly key: KeyFacts } | Failure;

export type Answer = CheckAnswer | ListAnswer | KeyAnswer;

/** What the upstream says of the key, without the key itself. `undefined` for what it leaves out. */
export interface KeyFacts {
  /** `SANDBOX`, `PRODUCTION`, or another word. */
  readonly type: string | undefined;
  /** `READ-ONLY`, `READ-WRITE`, or another word. */
  readonly scope: string | undefined;
  readonly isEnabled: boolean | undefined;
}

/** Whether orders may be sent with the key: unless the upstream says that they cannot be. */
export function maySend({ scope }: KeyFacts): boolean {
  return scope !== 'READ-ONLY';
}

interface Asked {
  /** When the call started. Unix milliseconds. */
  readonly askedAt: number;
}
