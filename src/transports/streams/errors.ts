import type { GraphQLError } from 'graphql';
import type { Logger } from '../../core/ports.ts';
import { toPublicError } from '../../graphql/errors.ts';

/** The error for a client of a WebSocket or of an event stream that has begun, where no HTTP status can be sent. */
export function forStream(error: unknown, logger: Logger): GraphQLError {
  const publicError = toPublicError(error, logger);
  delete publicError.extensions['http'];
  return publicError;
}
