import { GraphQLError } from 'graphql';
import { loggedError } from '../core/logged-error.ts';
import type { Logger } from '../core/ports.ts';
import { GatewayError } from '../errors.ts';

/** Decides what a client is told of an error. */
export type Mask = (error: unknown) => GraphQLError;

/** The errors that `toPublicError` has made. Some come back, wrapped or not, since more than one layer masks. */
const published = new WeakSet<GraphQLError>();

/**
 * The one place that decides what a client is told of an error. A `GatewayError` keeps its code and message, an error
 * in the request itself is `BAD_USER_INPUT`, and anything else is reported as `INTERNAL_SERVER_ERROR`. Whatever is
 * reported so is logged.
 */
export function toPublicError(error: unknown, logger: Logger): GraphQLError {
  const origin = originOf(error);
  if (origin instanceof GraphQLError && published.has(origin)) return origin;
  if (origin instanceof GatewayError && origin.isForClients) {
    // Only the operator can mend it.
    if (origin.code === 'INTERNAL_SERVER_ERROR') logger.error({}, origin.message);
    return publish(error, origin.message, {
      code: origin.code,
      ...(origin.code === 'UNAUTHENTICATED' ? UNAUTHENTICATED : {}),
      ...(origin.retryAfterMs === undefined
        ? {}
        : { retryAfterSeconds: wholeSeconds(origin.retryAfterMs) }),
      ...(error instanceof GraphQLError ? httpOf(error) : {}),
    });
  }
  if (error instanceof GraphQLError && origin instanceof GraphQLError) {
    // The message of the outer one, which names the variable that holds an invalid value.
    return publish(error, error.message, { code: 'BAD_USER_INPUT', ...httpOf(error) });
  }
  logInternal(origin, logger);
  return publish(error, 'Internal server error.', { code: 'INTERNAL_SERVER_ERROR', ...INTERNAL });
}

/** At least one: a client that obeys a 0, such as that of a `Retry-After: 0`, would ask again without a pause. */
function wholeSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}

/** What a 401 asks for, as `WWW-Authenticate`: RFC 6750 wants a parameter after the scheme. */
export const CHALLENGE = 'Bearer realm="topup-gateway"';

/** Yoga reads the HTTP status from the `http` extension; it is taken out again before an error is sent. */
const UNAUTHENTICATED = { http: { status: 401, headers: { 'www-authenticate': CHALLENGE } } };
const INTERNAL = { http: { status: 500 } };

/** The error that was thrown first, inside those that graphql-js wrapped around it to add locations and paths. */
function originOf(error: unknown): unknown {
  if (!(error instanceof GraphQLError)) return error;
  const inner = error.originalError ?? error.cause;
  return inner === undefined || inner === null ? error : originOf(inner);
}

function publish(
  error: unknown,
  message: string,
  extensions: Record<string, unknown>,
): GraphQLError {
  const located = error instanceof GraphQLError ? error : undefined;
  const result = new GraphQLError(message, {
    extensions,
    nodes: located?.nodes ?? null,
    source: located?.source ?? null,
    positions: located?.positions ?? null,
    path: located?.path ?? null,
  });
  published.add(result);
  return result;
}

function httpOf({ extensions }: GraphQLError): Record<string, unknown> {
  return extensions['http'] === undefined ? {} : { http: extensions['http'] };
}

/** Logs the cause of a `GatewayError` rather than the error itself, which says only what the client was told. */
function logInternal(error: unknown, logger: Logger): void {
  const fault = error instanceof GatewayError ? error.cause : error;
  logger.error(loggedError(fault), 'a request failed inside the gateway');
}
