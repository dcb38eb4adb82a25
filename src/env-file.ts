import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { EXIT_CONFIG, StartupError } from './errors.ts';

const ENV_FILE = '.env';

/**
 * Loads the variables in the `.env` file, if it exists. Variables that are already set take precedence.
 *
 * @throws StartupError with exit code 78 if it cannot be read, as a folder that a container runtime made in its place.
 */
export function loadEnvFile(): void {
  if (!existsSync(ENV_FILE)) return;
  try {
    process.loadEnvFile(ENV_FILE);
  } catch (cause) {
    const message = `${resolve(ENV_FILE)} cannot be read: make it a file that the gateway may read`;
    throw new StartupError(message, { exitCode: EXIT_CONFIG, cause });
  }
}
