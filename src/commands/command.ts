import { loadEnvFile } from '../env-file.ts';
import { StartupError } from '../errors.ts';

/** EX_USAGE of sysexits.h. */
const EXIT_USAGE = 64;

/** What is wrong with how a command was called: told together with how it is. */
export class UsageError extends Error {}

export interface Command {
  /** As it is called: `npm run <name>`. */
  readonly name: string;
  readonly usage?: string;
  readonly main: () => void | Promise<void>;
}

/** Runs a command, and ends the process with 0, with what its fault says, or with 1. */
export async function runCommand({ name, usage = '', main }: Command): Promise<void> {
  try {
    loadEnvFile();
    await main();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const isUsage = error instanceof UsageError;
    process.stderr.write(isUsage ? `${message}\n\n${usage}\n` : `${name}: ${message}\n`);
    process.exitCode = isUsage ? EXIT_USAGE : error instanceof StartupError ? error.exitCode : 1;
  }
}

/** What goes wrong here is wrong with how the command was called. */
export function orUsageError<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
