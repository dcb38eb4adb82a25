import type { GraphQLError } from 'graphql';
import type { Logger } from '../core/ports.ts';
import { toPublicError } from '../graphql/errors.ts';

/** What a client is told of an error over a WebSocket, where HTTP statuses mean nothing. */
export function forSocket(error: unknown, logger: Logger): GraphQLError {
  const publicError = toPublicError(error, logger);
  delete publicError.extensions['http'];
  return publicError;
}
