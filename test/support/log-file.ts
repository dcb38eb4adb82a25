import Database from 'better-sqlite3';
import type { StateFragment } from '../../schema/typed-documents.ts';
import { CardCodes } from '../../src/cards/card-codes.ts';
import { readCardKeys } from '../../src/cards/card-keys.ts';
import { encodeCursor } from '../../src/core/cursor.ts';
import { isSettled, statusOf } from '../../src/core/topup.ts';

/** A snapshot log as it is on disk, read directly, not through the gateway. */
export interface LogFile {
  /** The result of SQLite's integrity check: `ok`, or what is wrong. */
  readonly integrity: unknown;
  /** Orders whose row in `orders` does not match their latest snapshot, although one transaction writes both. */
  readonly torn: readonly unknown[];
  /** The number of snapshots. */
  readonly size: number;
  readonly orderIds: readonly string[];
  /** Every version of an order, as clients should see it. */
  statesOf(orderId: string): readonly StateFragment[];
}

interface Row {
  readonly order_id: string;
  readonly version: number;
  readonly upstream_status: string;
  readonly observed_at: number;
  readonly card_code: string | null;
  readonly transaction_number: string | null;
  readonly processed_at: number | null;
  readonly refund_message: string | null;
}

const TORN = `
  SELECT order_id FROM (SELECT order_id, max(version) AS latest FROM snapshots GROUP BY order_id)
  FULL JOIN orders USING (order_id)
  WHERE latest_version IS NOT latest OR copied_version IS NOT latest`;

/** Reads the whole log at once. Does not change the file or its write-ahead log. */
export function readLogFile(path: string): LogFile {
  const database = new Database(path, { readonly: true, fileMustExist: true });
  try {
    const integrity = database.pragma('integrity_check', { simple: true });
    const logId = String(database.prepare('SELECT id FROM log').pluck().get());
    const rows = database
      .prepare<[], Row>('SELECT * FROM snapshots ORDER BY order_id, version')
      .all();
    const torn = database.prepare(TORN).pluck().all();
    const cards = cardCodesBeside(path);
    const byOrder = Map.groupBy(rows, (row) => row.order_id);
    return {
      integrity,
      torn,
      size: rows.length,
      orderIds: [...byOrder.keys()],
      statesOf: (orderId) =>
        (byOrder.get(orderId) ?? []).map((row) => toState(row, { logId, cards })),
    };
  } finally {
    database.close();
  }
}

interface LogContext {
  readonly logId: string;
  readonly cards: CardCodes;
}

function cardCodesBeside(path: string): CardCodes {
  const keys = readCardKeys(`${path}.card-keys`);
  if (keys === undefined) throw new Error(`no key file beside ${path}`);
  return new CardCodes(keys);
}

/** The card code of a row; `unreadable`, which is the code of no order, if it is in plain or under another key. */
function openCard(row: Row, cards: CardCodes): string | null {
  if (row.card_code === null) return null;
  return cards.open(row.card_code, { orderId: row.order_id, version: row.version }) ?? 'unreadable';
}

function toState(row: Row, { logId, cards }: LogContext): StateFragment {
  return {
    id: row.order_id,
    status: statusOf(row.upstream_status),
    upstreamStatus: row.upstream_status,
    isFinal: isSettled(row.upstream_status),
    cardCode: openCard(row, cards),
    transactionNumber: row.transaction_number,
    processedAt: row.processed_at === null ? null : new Date(row.processed_at).toISOString(),
    refundMessage: row.refund_message,
    version: row.version,
    cursor: encodeCursor({ logId, version: row.version }),
    observedAt: new Date(row.observed_at).toISOString(),
  };
}
