import { createHash } from 'node:crypto';
import type { Store } from '../../src/core/store.ts';
import type { Observation } from '../../src/core/topup.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';

/** One life in the log of an order that settled: four snapshots, as a parked order leaves. */
const LIFE = ['HANDLING', 'QUEUED', 'HANDLING', 'FULFILLED'] as const;
export const SNAPSHOTS_AN_ORDER = LIFE.length;

const START = Date.UTC(2026, 0, 1);
const ORDERS_AT_ONCE = 500;

/** The nth order's id, shaped as OneClickDz shapes them: first the second of its making, then noise. */
export function orderId(nth: number): string {
  const second = (START / 1_000 + nth).toString(16);
  return second + createHash('sha1').update(`order ${nth}`).digest('hex').slice(0, 16);
}

/** What is seen of the nth order at the given place of its life. */
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

/** A database of so many snapshots, all of settled orders. */
export async function fill(url: string, snapshots: number): Promise<Store> {
  const store = await openSqliteStore({ url });
  const orders = snapshots / SNAPSHOTS_AN_ORDER;
  const plan = ({ checkedAt }: { readonly checkedAt: number }) => checkedAt + 1_000;
  for (let first = 0; first < orders; first += ORDERS_AT_ONCE) {
    const count = Math.min(ORDERS_AT_ONCE, orders - first);
    const lives = Array.from({ length: count }, (_, offset) =>
      LIFE.map((_, place) => observationOf(first + offset, place)),
    );
    await store.recordAll(lives.flat(), plan);
  }
  return store;
}
