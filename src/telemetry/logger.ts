import { pino } from 'pino';
import type { Logger, LogLevel } from '../core/ports.ts';

const STDOUT = 1;

/** The length of all lines together that wait for the next one, in bytes. */
const MOST_WAITING_BYTES = 1_000_000;

/** Writes to standard output: JSON lines, or readable ones for a terminal. */
export async function createLogger(options: {
  readonly level: LogLevel;
  readonly readable: boolean;
}): Promise<Logger> {
  const { level, readable } = options;
  const settings = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const out = standardOutput();
  const logger: Logger = pino(settings, readable ? await madeReadable(out) : out);
  return logger;
}

/**
 * A line that cannot be written, as on a full disk, is tried again with the next one; those that are too many by then
 * are lost. By itself pino would throw, and end the gateway, which can serve without a log.
 */
function standardOutput() {
  const out = pino.destination({ dest: STDOUT, sync: true, maxLength: MOST_WAITING_BYTES });
  return out.on('error', () => undefined);
}

async function madeReadable(destination: ReturnType<typeof pino.destination>) {
  const { default: pretty } = await import('pino-pretty');
  return pretty({ destination, singleLine: true });
}
