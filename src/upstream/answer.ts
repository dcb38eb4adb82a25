import type { Observation } from '../core/topup.ts';

/** Why a call brought no news. Values are metric labels and log fields too. */
export type FailureReason =
  | 'network'
  | 'timeout'
  | 'http_status'
  | 'too_large'
  | 'unreadable'
  | 'wrong_order';

/**
 * What a call came to. Never an exception, and never with a body of the upstream in it. A failed call is
 * no news: it says nothing of the order.
 */
export type Failure =
  /** 429. Everybody waits. */
  | { readonly kind: 'throttled'; readonly retryAfterMs: number | undefined }
  /** 401 or 403: the key or our address is not welcome. The fifth such try locks the address out. */
  | {
      readonly kind: 'refused';
      readonly httpStatus: number;
      /** The upstream's word for it, such as `IP_BLOCKED`. For the log. */
      readonly upstreamCode: string | undefined;
    }
  | {
      readonly kind: 'failed';
      readonly reason: FailureReason;
      /** Of a network fault: the system's word for it, such as `ECONNREFUSED`, or the class of the error. For the log. */
      readonly networkCode?: string;
      readonly httpStatus?: number | undefined;
      readonly retryAfterMs?: number | undefined;
    };

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

interface Asked {
  /** When the call started. Unix milliseconds. */
  readonly askedAt: number;
}
