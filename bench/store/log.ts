/** A log that was filled in and closed. */
export interface Log {
  /** The path of its database. */
  readonly database: string;
  readonly orders: number;
}

export interface Logs {
  readonly small: Log;
  readonly large: Log;
}
