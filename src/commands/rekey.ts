/** `npm run rekey`: encrypts all card codes with the first key, while the gateway serves. */
import { parseArgs } from 'node:util';
import { CardCodes } from '../cards/card-codes.ts';
import { parseConfig } from '../config.ts';
import { StartupError } from '../errors.ts';
import { databasePath } from '../store/sqlite/location.ts';
import { gatewayHasCardKey } from '../store/sqlite/noted-card-keys.ts';
import { cardKeysOf } from '../store/sqlite/open.ts';
import { rekey } from '../store/sqlite/rekey.ts';
import { orUsageError, runCommand } from './command.ts';
import { openExisting, yieldLock } from './database.ts';

const USAGE = `usage: npm run rekey

Encrypts all card codes with the first key, while the gateway serves. DATABASE_URL and CARD_CODE_KEYS must be those of
the gateway (a .env file is read).`;

async function main(): Promise<void> {
  orUsageError(() => parseArgs({ options: {} }));
  const { databaseUrl, cardKeys } = parseConfig(process.env);
  const database = openExisting(databaseUrl);
  try {
    const keys = cardKeysOf(databasePath(databaseUrl), cardKeys);
    if (keys === undefined) {
      throw new StartupError('there is no key: CARD_CODE_KEYS must be that of the gateway');
    }
    if (!gatewayHasCardKey(database, keys[0])) {
      throw new StartupError(
        `the gateway was last started without the key ${keys[0].id}, and could not read what it encrypts: start the gateway with it first in CARD_CODE_KEYS, then rekey`,
      );
    }
    const pause = (done: number, tookMs: number) => {
      process.stderr.write(`${done} card codes looked at\n`);
      return yieldLock(tookMs);
    };
    const { changed, current, unreadable } = await rekey(database, new CardCodes(keys), pause);
    process.stdout.write(
      `${changed} card codes changed to the first key, ${current} were under it already, ${unreadable} cannot be read with these keys\n`,
    );
    if (unreadable > 0) process.exitCode = 1;
  } finally {
    database.close();
  }
}

await runCommand({ name: 'rekey', usage: USAGE, main });
