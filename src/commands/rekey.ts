/** `npm run rekey`: encrypts all card codes with the first key, while the gateway serves. */
import { CardCodes } from '../cards/card-codes.ts';
import { parseConfig } from '../config.ts';
import { databasePath } from '../store/sqlite/location.ts';
import { cardKeysOf } from '../store/sqlite/open.ts';
import { rekey } from '../store/sqlite/rekey.ts';
import { runCommand } from './command.ts';
import { openExisting } from './database.ts';

function main(): void {
  const { databaseUrl, cardKeys } = parseConfig(process.env);
  const database = openExisting(databaseUrl);
  try {
    const cards = new CardCodes(cardKeysOf(databasePath(databaseUrl), { cardKeys }));
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

await runCommand({ name: 'rekey', main });
