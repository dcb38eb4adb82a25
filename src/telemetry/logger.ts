import { writeSync } from 'node:fs';
import { type DestinationStream, pino } from 'pino';
import type { Clock, Logger, LogLevel } from '../core/ports.ts';
import { Output } from './output.ts';

const STDOUT = 1;

interface LoggerOptions {
  readonly level: LogLevel;
  readonly readable: boolean;
  readonly clock: Clock;
}

/** Writes to standard output: JSON lines, or readable ones for a terminal. */
export async function createLogger({ level, readable, clock }: LoggerOptions): Promise<Logger> {
  const settings = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const out = new Output({ clock, write: (bytes) => writeSync(STDOUT, bytes) });
  process.once('exit', () => out.writeWaiting());
  const logger: Logger = pino(settings, readable ? await madeReadable(out) : out);
  return logger;
}

async function madeReadable(out: Output): Promise<DestinationStream> {
  const { prettyFactory } = await import('pino-pretty');
  const readable = prettyFactory({ singleLine: true });
  return { write: (line) => out.write(readable(line)) };
}
