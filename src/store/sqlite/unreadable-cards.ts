import type Database from 'better-sqlite3';
import type { CardCodes, CardPlace } from '../../cards/card-codes.ts';

/** How many of the newest snapshots are looked through: enough to tell that a key is missing, and read in no time. */
const LOOKED_THROUGH = 1_000;

/** How many card codes of the newest snapshots none of the keys opens. */
export function countUnreadable(database: Database.Database, cards: CardCodes): number {
  const newest = database.prepare<[number], CardPlace & { readonly sealed: string | null }>(
    `SELECT order_id AS orderId, version, card_code AS sealed FROM snapshots
     ORDER BY order_id DESC, version DESC LIMIT ?`,
  );
  let unreadable = 0;
  for (const { sealed, ...place } of newest.iterate(LOOKED_THROUGH)) {
    if (sealed !== null && cards.open(sealed, place) === undefined) unreadable += 1;
  }
  return unreadable;
}
