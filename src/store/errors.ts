/**
 * A read or a write that failed. Neither the message nor the cause holds what was to be written: card
 * codes are worth money to whoever reads them in a log.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  /** The engine's own word, such as `SQLITE_FULL`; `STORE_CLOSED` after `close()`. */
  readonly code: string;

  constructor(code: string, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
  }
}

/** A database that cannot be used. The message is one line for the operator: which, why, and what to do. */
export class StoreOpenError extends Error {
  override readonly name = 'StoreOpenError';

  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
  }
}

export function storeClosed(): StoreError {
  return new StoreError('STORE_CLOSED', 'the snapshot log is closed');
}
