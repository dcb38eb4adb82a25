/** Everything that a client may ever be told went wrong. The set is closed: clients switch on it. */
export type ErrorCode =
  | 'BAD_USER_INPUT'
  | 'TOPUP_NOT_FOUND'
  | 'UPSTREAM_UNAVAILABLE'
  | 'UPSTREAM_THROTTLED'
  | 'UPSTREAM_REFUSED'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'LIMIT_EXCEEDED'
  | 'INTERNAL_SERVER_ERROR';

export interface GatewayErrorOptions {
  /** How long to wait before it may go better, for the upstream's codes. */
  readonly retryAfterMs?: number | undefined;
  /** Kept for the log, never sent. */
  readonly cause?: unknown;
  /** Whether the message of an internal error may be told; those of all other codes are. */
  readonly isForClients?: boolean;
}

/**
 * A failure that a client is told of. Its message is written for that client: it never holds an
 * upstream's body, a key, a card code or SQL.
 */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;
  readonly isForClients: boolean;

  constructor(code: ErrorCode, message: string, options: GatewayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
    this.isForClients = options.isForClients ?? code !== 'INTERNAL_SERVER_ERROR';
  }
}

/** EX_CONFIG of sysexits.h: something in the configuration is wrong. */
export const EXIT_CONFIG = 78;

/** A reason not to start, or to stop, that a person can mend: printed as one line, without a stack. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
  readonly exitCode: number;

  constructor(
    message: string,
    options: { readonly exitCode?: number; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode ?? 1;
  }
}
