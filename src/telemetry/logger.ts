import { pino } from 'pino';
import type { Logger, LogLevel } from '../core/ports.ts';

const STDOUT = 1;

/** Writes to standard output: JSON lines, or readable ones for a terminal. */
export async function createLogger(options: {
  readonly level: LogLevel;
  readonly readable: boolean;
}): Promise<Logger> {
  const { level, readable } = options;
  const settings = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const out = readable ? await readableOutput() : pino.destination({ dest: STDOUT, sync: true });
  const logger: Logger = pino(settings, out);
  return logger;
}

async function readableOutput() {
  const { default: pretty } = await import('pino-pretty');
  return pretty({ destination: STDOUT, sync: true, singleLine: true });
}
