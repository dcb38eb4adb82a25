import { existsSync } from 'node:fs';

const ENV_FILE = '.env';

/** Loads the variables in the `.env` file, if it exists. Variables that are already set take precedence. */
export function loadEnvFile(): void {
  if (existsSync(ENV_FILE)) process.loadEnvFile(ENV_FILE);
}
