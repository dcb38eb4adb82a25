import { planner } from '../../src/core/cadence.ts';
import type { Observation } from '../../src/core/topup.ts';
import { createRandom, drawHex, drawInteger } from '../../src/simulator/random.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { observation } from '../support/observations.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export interface TrackedOrders {
  readonly count: number;
  /** When the gateway last looked at any of them, Unix milliseconds: it has been down since. */
  readonly stoppedAt: number;
  /** The same seed gives the same orders. 1 where left out. */
  readonly seed?: number;
}

/**
 * What a busy gateway tracks when it stops: mostly parked orders of the last two days, a few young ones in
 * progress, and a few that have been in progress for hours or days. Each was checked within its interval.
 */
export function drawTrackedOrders({ count, stoppedAt, seed = 1 }: TrackedOrders): Observation[] {
  const random = createRandom(seed);
  const ageMs = (leastMs: number, mostMs: number) => drawInteger(random, leastMs, mostMs);
  return Array.from({ length: count }, () => {
    const kind = random();
    if (kind < 0.01) return draw('HANDLING', ageMs(0, 5 * MINUTE_MS), 1_000);
    if (kind < 0.03) return draw('HANDLING', ageMs(5 * MINUTE_MS, 144 * HOUR_MS), 10_000);
    return draw('QUEUED', ageMs(0, 48 * HOUR_MS), HOUR_MS);
  });

  function draw(upstreamStatus: string, age: number, intervalMs: number): Observation {
    const createdAt = stoppedAt - age;
    const orderId =
      Math.floor(createdAt / 1_000)
        .toString(16)
        .padStart(8, '0') + drawHex(random, 16);
    return observation({
      orderId,
      upstreamStatus,
      createdAt,
      observedAt: Math.max(createdAt, stoppedAt - drawInteger(random, 0, intervalMs)),
      ref: `API-+213550000000-${orderId}`,
      type: random() < 0.8 ? 'ADSL' : '4G',
      number: '036362608',
      amount: 1_000,
    });
  }
}

/** Writes them down as the gateway would have, each with the schedule that follows from its last check. */
export async function writeTrackedOrders(
  path: string,
  orders: readonly Observation[],
): Promise<void> {
  const store = await openSqliteStore({ url: `file:${path}` });
  // In the order of their creation, in which a gateway gets to know them; any other takes SQLite twice as long.
  const inOrder = orders.toSorted((a, b) => (a.createdAt ?? 0) - (b.createdAt ?? 0));
  await store.recordAll(inOrder, planner(false));
  await store.close();
}
