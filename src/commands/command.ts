import { loadEnvFile } from '../env-file.ts';
import { EXIT_CONFIG, StartupError } from '../errors.ts';
import { StoreOpenError } from '../store/errors.ts';

/** EX_USAGE of sysexits.h. */
const EXIT_USAGE = 64;

/** A fault in how a command was called. Printed together with the command's usage. */
export class UsageError extends Error {}

export interface Command {
  /** The name in `npm run <name>`. */
  readonly name: string;
  /** How to call it, for `--help` and for who called it wrongly. */
  readonly usage: string;
  readonly main: () => void | Promise<void>;
}

/** Runs a command. An error sets the exit code: 64 for wrong usage, 78 for a wrong configuration, or else 1. */
export async function runCommand({ name, usage, main }: Command): Promise<void> {
  if (process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) {
    process.stdout.write(`${usage}\n`);
    return;
  }
  try {
    loadEnvFile();
    await main();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const isUsage = error instanceof UsageError;
    process.stderr.write(isUsage ? `${message}\n\n${usage}\n` : `${name}: ${message}\n`);
    process.exitCode = exitCodeOf(error);
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT_USAGE;
  if (error instanceof StartupError) return error.exitCode;
  return error instanceof StoreOpenError && error.isMisconfigured ? EXIT_CONFIG : 1;
}

/**
 * @param option - prefixed to the message, if given.
 * @throws UsageError for any error that `read` throws.
 */
export function orUsageError<T>(read: () => T, option?: string): T {
  try {
    return read();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(option === undefined ? message : `${option}: ${message}`, { cause });
  }
}
