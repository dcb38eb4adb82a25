import { GatewayError } from '../errors.ts';

/** What a client is told where it takes more than a limit allows. */
export function limitExceeded(message: string, retryAfterMs?: number): GatewayError {
  return new GatewayError('LIMIT_EXCEEDED', message, { retryAfterMs });
}
