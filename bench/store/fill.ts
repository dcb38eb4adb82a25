import { createHash } from 'node:crypto';
import type { Observation } from '../../src/core/topup.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import type { Log } from './log.ts';

/** The statuses of a settled order in the log: four snapshots, as an order leaves that was parked for a while. */
const LIFE = ['HANDLING', 'QUEUED', 'HANDLING', 'FULFILLED'] as const;
/** The number of snapshots of each order, and so its last version. */
export const SNAPSHOTS_AN_ORDER = LIFE.length;

const START = Date.UTC(2026, 0, 1);
const ORDERS_AT_ONCE = 500;

/** The id of the nth order, in the form that OneClickDz uses: first the second of its creation, then noise. */
export function orderId(nth: number): string {
  const second = (START / 1_000 + nth).toString(16);
  return second + createHash('sha1').update(`order ${nth}`).digest('hex').slice(0, 16);
}

/** The observation of the nth order at the given index of `LIFE`. */
export function observationOf(nth: number, place: number): Observation {
  const isSettled = LIFE[place] === 'FULFILLED';
  return {
    orderId: orderId(nth),
    upstreamStatus: LIFE[place] ?? 'HANDLING',
    observedAt: START + nth * 1_000 + place * 10,
    ref: `internet-order-${nth}`,
    type: 'ADSL',
    number: '036362608',
    amount: 1_000,
    cardCode: isSettled ? '123456789012' : null,
    transactionNumber: isSettled ? `AT-2026-${nth}` : null,
    processedAt: isSettled ? START + nth * 1_000 + 30 : null,
    refundMessage: null,
    createdAt: START + nth * 1_000,
  };
}

export const plan = ({ checkedAt }: { readonly checkedAt: number }) => checkedAt + 1_000;

/** Writes a log of `snapshots` snapshots, all of settled orders, and closes it, so that all data is in the file. */
export async function fill(database: string, snapshots: number): Promise<Log> {
  const store = await openSqliteStore({ url: `file:${database}` });
  const orders = snapshots / SNAPSHOTS_AN_ORDER;
  for (let first = 0; first < orders; first += ORDERS_AT_ONCE) {
    const count = Math.min(ORDERS_AT_ONCE, orders - first);
    const lives = Array.from({ length: count }, (_, offset) =>
      LIFE.map((_, place) => observationOf(first + offset, place)),
    );
    await store.recordAll(lives.flat(), plan);
  }
  await store.close();
  return { database, orders };
}
