import { createHash } from 'node:crypto';
import type Database from 'better-sqlite3';
import type { CardKey } from '../../cards/card-codes.ts';
import { prepareNoteStatements } from './notes.ts';

const NOTE = 'card-keys';

/** Writes down which keys the gateway has, as hashes. A key is 32 random bytes, so its hash does not give it away. */
export function noteCardKeys(database: Database.Database, keys: readonly CardKey[]): void {
  const value = keys.map(hashOf).join(' ');
  prepareNoteStatements(database).note.run({ name: NOTE, value });
}

/**
 * Whether the gateway that last opened the database has this key, and so will be able to read what the key seals.
 * `true` for a database that no gateway has written its keys down in.
 */
export function gatewayHasCardKey(database: Database.Database, key: CardKey): boolean {
  const noted = prepareNoteStatements(database).recall.get(NOTE);
  return noted === undefined || noted.split(' ').includes(hashOf(key));
}

function hashOf({ key }: CardKey): string {
  return createHash('sha256').update(key).digest('base64url');
}
