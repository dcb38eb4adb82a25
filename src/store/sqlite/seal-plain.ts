import type Database from 'better-sqlite3';
import type { CardCodes, CardPlace } from '../../cards/card-codes.ts';
import { copiedCards } from './copied-cards.ts';
import { prepareNoteStatements } from './notes.ts';

const NOTE = 'card-codes-are-sealed';
const BATCH = 500;

interface Row extends CardPlace {
  readonly code: string;
}

/**
 * Seals the card codes of a database that was created before card codes were sealed. Works in small transactions, so
 * that it can be interrupted and run again. Then rewrites the file, which may still contain the plain codes in its free
 * space, even if a run that was interrupted has sealed them all.
 */
export function sealPlainCodes(database: Database.Database, cards: CardCodes): void {
  // From here on SQLite overwrites deleted content with zeros.
  database.pragma('secure_delete = ON');
  const notes = prepareNoteStatements(database);
  if (notes.recall.get(NOTE) !== undefined) return;
  const sealBatch = batches(database, cards);
  let last = sealBatch({ orderId: '', version: 0 });
  while (last !== undefined) last = sealBatch(last);
  const isUsed = database.prepare('SELECT 1 FROM snapshots LIMIT 1').get() !== undefined;
  if (isUsed) {
    database.exec('VACUUM');
    database.pragma('wal_checkpoint(TRUNCATE)');
  }
  notes.note.run({ name: NOTE, value: '1' });
}

/** Each batch returns the place of its last card code; `undefined` if it is empty. */
function batches(
  database: Database.Database,
  cards: CardCodes,
): (after: CardPlace) => CardPlace | undefined {
  const select = database.prepare<[string, number, number], Row>(
    `SELECT order_id AS orderId, version, card_code AS code FROM snapshots
     WHERE (order_id, version) > (?, ?) AND card_code IS NOT NULL AND card_code NOT LIKE 'v1.%'
     ORDER BY order_id, version LIMIT ?`,
  );
  const update = database.prepare(
    'UPDATE snapshots SET card_code = ? WHERE order_id = ? AND version = ?',
  );
  const updateCopy = copiedCards(database);
  return database.transaction((after: CardPlace) => {
    const rows = select.all(after.orderId, after.version, BATCH);
    for (const row of rows) {
      const sealed = cards.seal(row.code, row);
      update.run(sealed, row.orderId, row.version);
      updateCopy(sealed, row);
    }
    return rows.at(-1);
  }).immediate;
}
