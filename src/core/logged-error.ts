/** The parts of an error that may go into a log line. */
type LoggedError = {
  /** The name of the error's class. */
  readonly error: string;
  /** The error code of the system or of a library, such as `ECONNREFUSED`. */
  readonly code: string | undefined;
  /** The frames of the stack trace, joined by ` | `. */
  readonly at: string | undefined;
};

/** Leaves out the error's message, which may contain a query, its parameters or a card code. */
export function loggedError(error: unknown): LoggedError {
  const isError = error instanceof Error;
  return {
    error: isError ? error.name : typeof error,
    code: errorCodeOf(error),
    at: isError ? framesOf(error) : undefined,
  };
}

/** The code of the error, or else of its cause: `fetch` wraps the underlying network error. */
export function errorCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error ? error.code : undefined;
  // Only a plain word: any other text may come from outside.
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code)) return code;
  return errorCodeOf(error.cause);
}

function framesOf({ stack = '', message }: Error): string {
  // The stack repeats the message, whose lines may look like frames.
  const lines = stack.replace(message, '').split('\n');
  return lines
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim())
    .join(' | ');
}
