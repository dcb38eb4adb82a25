import { MINUTE_MS } from '../core/durations.ts';
import type { Clock, Logger } from '../core/ports.ts';
import { Seldom } from '../core/seldom.ts';
import type { UpstreamOperation } from '../core/telemetry.ts';

const FAILURE_EVERY_MS = 10 * MINUTE_MS;

/** What is told of a call: never the key, the body, or anything in it but the upstream's error code. */
type CallFields = {
  readonly operation: UpstreamOperation;
  readonly orderId: string | undefined;
  readonly outcome: string;
  readonly httpStatus: number | undefined;
  readonly code: string | undefined;
  readonly durationMs: number;
};

/**
 * Tells of each call at `debug`: a busy key makes 170,000 a day. At `info` it tells of the first call that fails, and
 * then of one in ten minutes, with the number of those that failed since.
 */
export function callLog({ logger, clock }: { readonly logger: Logger; readonly clock: Clock }) {
  const seldom = new Seldom(clock, FAILURE_EVERY_MS);
  return (fields: CallFields, isTrouble: boolean): void => {
    const failures = isTrouble ? seldom.times() : undefined;
    if (failures === undefined) logger.debug(fields, 'upstream call');
    else logger.info({ ...fields, failures }, 'upstream call failed');
  };
}
