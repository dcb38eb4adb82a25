/** An error, as far as it is fit for a log line. */
type LoggedError = {
  /** The name of its class. */
  readonly error: string;
  /** The word that the system or a library has for the fault, such as `ECONNREFUSED`. */
  readonly code: string | undefined;
  /** Where it was thrown: the frames of its stack. */
  readonly at: string | undefined;
};

/** Without the message of the error, which may hold whatever the error is about: a query, parameters, a card code. */
export function loggedError(error: unknown): LoggedError {
  const isError = error instanceof Error;
  return {
    error: isError ? error.name : typeof error,
    code: codeOf(error),
    at: isError ? framesOf(error) : undefined,
  };
}

/** Its own, or that of what caused it: `fetch` wraps what went wrong below it. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error ? error.code : undefined;
  // A word, and not a text that somebody else may have chosen.
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code)) return code;
  return codeOf(error.cause);
}

function framesOf({ stack = '', message }: Error): string {
  // The stack repeats the message, whose lines may look as frames do.
  const lines = stack.replace(message, '').split('\n');
  return lines
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim())
    .join(' | ');
}
