import { existsSync } from 'node:fs';

const ENV_FILE = '.env';

/** Takes up the variables of the file, if there is one. What the environment says already goes before it. */
export function loadEnvFile(): void {
  if (existsSync(ENV_FILE)) process.loadEnvFile(ENV_FILE);
}
