import type Database from 'better-sqlite3';
import type { CardCodes } from '../../cards/card-codes.ts';

const NOTE = 'card-codes-are-sealed';
const BATCH = 500;

interface Row {
  readonly rowid: number;
  readonly orderId: string;
  readonly version: number;
  readonly code: string;
}

/**
 * Seals the card codes of a database that was made before they were: in small transactions, so that it can be
 * interrupted and begun again. Then rewrites the file, since what was overwritten may still stand in it.
 */
export function sealPlainCodes(database: Database.Database, cards: CardCodes): void {
  // From here on what is overwritten or deleted is filled with zeros.
  database.pragma('secure_delete = ON');
  if (database.prepare('SELECT 1 FROM notes WHERE name = ?').get(NOTE) !== undefined) return;
  let sealed = 0;
  for (let batch = sealBatch(database, cards, 0); batch !== undefined; ) {
    sealed += batch.count;
    batch = sealBatch(database, cards, batch.last);
  }
  if (sealed > 0) {
    database.exec('VACUUM');
    database.pragma('wal_checkpoint(TRUNCATE)');
  }
  database.prepare('INSERT OR REPLACE INTO notes (name, value) VALUES (?, ?)').run(NOTE, '1');
}

function sealBatch(
  database: Database.Database,
  cards: CardCodes,
  after: number,
): { readonly count: number; readonly last: number } | undefined {
  const select = database.prepare<[number, number], Row>(
    `SELECT rowid, order_id AS orderId, version, card_code AS code FROM snapshots
     WHERE rowid > ? AND card_code IS NOT NULL AND card_code NOT LIKE 'v1.%' ORDER BY rowid LIMIT ?`,
  );
  const update = database.prepare('UPDATE snapshots SET card_code = ? WHERE rowid = ?');
  const seal = database.transaction(() => {
    const rows = select.all(after, BATCH);
    for (const row of rows) update.run(cards.seal(row.code, row), row.rowid);
    return rows;
  });
  const rows = seal.immediate();
  const last = rows.at(-1);
  return last && { count: rows.length, last: last.rowid };
}
