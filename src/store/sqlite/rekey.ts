import type Database from 'better-sqlite3';
import type { CardCodes, CardPlace } from '../../cards/card-codes.ts';
import { copiedCards, type UpdateCopy } from './copied-cards.ts';

const BATCH = 200;

interface Row extends CardPlace {
  readonly sealed: string;
}

interface Rekeyed {
  readonly changed: number;
  /** Card codes that were already sealed with the first key. */
  readonly current: number;
  /** Card codes that no key opens; they are left unchanged. */
  readonly unreadable: number;
}

/**
 * Awaited after each transaction, so that a running gateway, which blocks while it waits for the lock, gets its turn.
 *
 * @param done how many card codes were seen so far.
 * @param tookMs how long the transaction held the lock.
 */
type RekeyPause = (done: number, tookMs: number) => Promise<void>;

/**
 * Reseals every card code that is not sealed with the first key. Works in small transactions, so it can run beside a
 * gateway, be interrupted at any point and be run again.
 */
export async function rekey(
  database: Database.Database,
  cards: CardCodes,
  pause: RekeyPause,
): Promise<Rekeyed> {
  database.pragma('secure_delete = ON');
  const next = batches(database, cards);
  const total = { changed: 0, current: 0, unreadable: 0 };
  let after: CardPlace = { orderId: '', version: 0 };
  for (;;) {
    const from = performance.now();
    const { rekeyed, last } = next(after);
    if (last === undefined) return total;
    after = last;
    total.changed += rekeyed.changed;
    total.current += rekeyed.current;
    total.unreadable += rekeyed.unreadable;
    const done = total.changed + total.current + total.unreadable;
    await pause(done, performance.now() - from);
  }
}

interface Batch {
  readonly rekeyed: Rekeyed;
  /** The place of the batch's last card code; `undefined` for an empty batch. */
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
      // The copy may be outdated, if an older version of this tool, which knew no copies, resealed the code.
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
    // Looked up for each batch: a gateway that starts meanwhile may add the copies.
    const updateCopy = copiedCards(database);
    const rows = select.all(after.orderId, after.version, BATCH);
    for (const row of rows) rekeyed[rekeyOne(row, updateCopy)] += 1;
    return { rekeyed, last: rows.at(-1) };
  }).immediate;
}
