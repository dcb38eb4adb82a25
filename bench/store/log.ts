/** A log that was filled and closed. */
export interface Log {
  /** The path of the log's database. */
  readonly database: string;
  readonly orders: number;
}

export interface Logs {
  readonly small: Log;
  readonly large: Log;
}
