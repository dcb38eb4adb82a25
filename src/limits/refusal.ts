import { GatewayError } from '../errors.ts';

/** The error for a client that exceeds a limit. */
export function limitExceeded(message: string, retryAfterMs?: number): GatewayError {
  return new GatewayError('LIMIT_EXCEEDED', message, { retryAfterMs });
}
