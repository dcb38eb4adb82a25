/**
 * A failed read or write. Neither the message nor the cause contains the data: a card code is worth money to anyone
 * who reads it in a log.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  /** The engine's error code, such as `SQLITE_FULL`; `STORE_CLOSED` after `close()`; `UNKNOWN` if there is none. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A database that cannot be used. The message is one line for the operator: which database, why, and what to do. */
export class StoreOpenError extends Error {
  override readonly name = 'StoreOpenError';
  /** Whether it lasts until a person changes DATABASE_URL, who may write there, or the file of the card keys. */
  readonly isMisconfigured: boolean;

  constructor(
    message: string,
    options: ErrorOptions & { readonly isMisconfigured?: boolean } = {},
  ) {
    super(message, options);
    this.isMisconfigured = options.isMisconfigured ?? false;
  }
}

export function storeClosed(): StoreError {
  return new StoreError('STORE_CLOSED', 'the snapshot log is closed');
}
