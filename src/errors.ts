/** Every error code that a client can receive. The set is closed: clients switch on it. */
export const ERROR_CODES = [
  'BAD_USER_INPUT',
  'TOPUP_NOT_FOUND',
  'UPSTREAM_UNAVAILABLE',
  'UPSTREAM_THROTTLED',
  'UPSTREAM_REFUSED',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'LIMIT_EXCEEDED',
  'INTERNAL_SERVER_ERROR',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

interface GatewayErrorOptions {
  /** After how long a retry may succeed, in milliseconds; for `UPSTREAM_*` and `LIMIT_EXCEEDED`. */
  readonly retryAfterMs?: number | undefined;
  /** Kept for the log, never sent. */
  readonly cause?: unknown;
  /** Whether clients and the log are told the message of an `INTERNAL_SERVER_ERROR`; clients see all of other codes. */
  readonly isForClients?: boolean;
}

/**
 * A failure that is reported to a client. The message is written for that client: it never contains an upstream
 * response body, a key, a card code or SQL.
 */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;
  readonly isForClients: boolean;

  constructor(code: ErrorCode, message: string, options: GatewayErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
    this.isForClients = options.isForClients ?? code !== 'INTERNAL_SERVER_ERROR';
  }
}

/** EX_CONFIG of sysexits.h: something in the configuration is wrong. */
export const EXIT_CONFIG = 78;

/** Keeps the gateway from starting, or stops it. A person can fix it, so it is printed as one line, without a stack. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
  readonly exitCode: number;

  constructor(
    message: string,
    options: { readonly exitCode?: number; readonly cause?: unknown } = {},
  ) {
    super(message, options);
    this.exitCode = options.exitCode ?? 1;
  }
}
