import type Database from 'better-sqlite3';
import type { CardCodes, CardPlace } from '../../cards/card-codes.ts';
import { copiedCards, type UpdateCopy } from './copied-cards.ts';

const BATCH = 200;

interface Row extends CardPlace {
  readonly sealed: string;
}

export interface Rekeyed {
  readonly changed: number;
  /** Under the first key before. */
  readonly current: number;
  /** Left as they are: no key opens them. */
  readonly unreadable: number;
}

/**
 * Seals every card code anew that is not under the first key. In small transactions beside whatever else writes, so
 * it can be interrupted at any point and run again: what is done is done.
 */
export function rekey(
  database: Database.Database,
  cards: CardCodes,
  onBatch: (done: number) => void,
): Rekeyed {
  database.pragma('secure_delete = ON');
  const next = batches(database, cards);
  const total = { changed: 0, current: 0, unreadable: 0 };
  let after: CardPlace = { orderId: '', version: 0 };
  for (;;) {
    const { rekeyed, last } = next(after);
    if (last === undefined) return total;
    after = last;
    total.changed += rekeyed.changed;
    total.current += rekeyed.current;
    total.unreadable += rekeyed.unreadable;
    onBatch(total.changed + total.current + total.unreadable);
  }
}

interface Batch {
  readonly rekeyed: Rekeyed;
  /** The last card code looked at; `undefined` once there is none. */
  readonly last: CardPlace | undefined;
}

function batches(database: Database.Database, cards: CardCodes): (after: CardPlace) => Batch {
  const select = database.prepare<[string, number, number], Row>(
    `SELECT order_id AS orderId, version, card_code AS sealed FROM snapshots
     WHERE (order_id, version) > (?, ?) AND card_code IS NOT NULL
     ORDER BY order_id, version LIMIT ?`,
  );
  const update = database.prepare(
    'UPDATE snapshots SET card_code = ? WHERE order_id = ? AND version = ?',
  );
  const rekeyOne = (row: Row, updateCopy: UpdateCopy): keyof Rekeyed => {
    if (cards.isCurrent(row.sealed)) {
      // The copy may be of before, if what sealed the code anew knew of none.
      updateCopy(row.sealed, row);
      return 'current';
    }
    const code = cards.open(row.sealed, row);
    if (code === undefined) return 'unreadable';
    const sealed = cards.seal(code, row);
    update.run(sealed, row.orderId, row.version);
    updateCopy(sealed, row);
    return 'changed';
  };
  return database.transaction((after: CardPlace): Batch => {
    const rekeyed = { changed: 0, current: 0, unreadable: 0 };
    // A gateway that starts meanwhile may bring the copies.
    const updateCopy = copiedCards(database);
    const rows = select.all(after.orderId, after.version, BATCH);
    for (const row of rows) rekeyed[rekeyOne(row, updateCopy)] += 1;
    return { rekeyed, last: rows.at(-1) };
  }).immediate;
}
