import type Database from 'better-sqlite3';
import type { CardPlace } from '../../cards/card-codes.ts';

export type UpdateCopy = (sealed: string, place: CardPlace) => void;

/**
 * Returns a function that replaces the copy of a card code in the `orders` table, for use whenever the card code of
 * the snapshot is replaced. The function does nothing if the copy is of another version. A database that no gateway has
 * opened since these copies were introduced has none.
 */
export function copiedCards(database: Database.Database): UpdateCopy {
  const hasCopies = database
    .prepare("SELECT 1 FROM pragma_table_info('orders') WHERE name = 'copied_version'")
    .get();
  if (hasCopies === undefined) return () => undefined;
  const update = database.prepare(
    `UPDATE orders SET card_code = @sealed
     WHERE order_id = @orderId AND copied_version = @version AND card_code IS NOT @sealed`,
  );
  return (sealed, { orderId, version }) => void update.run({ sealed, orderId, version });
}
