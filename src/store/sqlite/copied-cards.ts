import type Database from 'better-sqlite3';
import type { CardPlace } from '../../cards/card-codes.ts';

export type UpdateCopy = (sealed: string, place: CardPlace) => void;

/**
 * Replaces the card code that lies beside an order, for whoever replaces that of the snapshot: does nothing where
 * another version is the latest. A database that the gateway has not opened since it makes such copies has none.
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
