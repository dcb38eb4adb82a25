import type { GraphQLError } from 'graphql';
import type { Logger } from '../../core/ports.ts';
import { toPublicError } from '../../graphql/errors.ts';

/** What a client is told of an error over a WebSocket, or after an event stream has begun: no HTTP status any more. */
export function forStream(error: unknown, logger: Logger): GraphQLError {
  const publicError = toPublicError(error, logger);
  delete publicError.extensions['http'];
  return publicError;
}
