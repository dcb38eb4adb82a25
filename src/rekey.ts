/** `npm run rekey`: brings all card codes under the first key, while the gateway serves. */
import Database from 'better-sqlite3';
import { CardCodes } from './cards/card-codes.ts';
import { parseConfig } from './config.ts';
import { StartupError } from './errors.ts';
import { databasePath } from './store/sqlite/location.ts';
import { cardKeysOf } from './store/sqlite/open.ts';
import { rekey } from './store/sqlite/rekey.ts';

function main(): void {
  const { databaseUrl, cardKeys } = parseConfig(process.env);
  const path = databasePath(databaseUrl);
  const database = new Database(path, { timeout: 5_000, fileMustExist: true });
  try {
    const cards = new CardCodes(cardKeysOf(path, { cardKeys }));
    const { changed, current, unreadable } = rekey(database, cards, (done) => {
      process.stderr.write(`${done} card codes looked at\n`);
    });
    process.stdout.write(
      `${changed} card codes are under the first key now, ${current} were before, ${unreadable} cannot be read with these keys\n`,
    );
    if (unreadable > 0) process.exitCode = 1;
  } finally {
    database.close();
  }
}

try {
  process.loadEnvFile();
} catch {
  // There need not be one.
}
try {
  main();
} catch (error) {
  process.stderr.write(`rekey: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof StartupError ? error.exitCode : 1;
}
