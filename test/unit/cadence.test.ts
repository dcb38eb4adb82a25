import { describe, expect, it } from 'vitest';
import { overdueAfter, planner, retryDelayMs, staleAfter } from '../../src/core/cadence.ts';
import type { Order } from '../../src/core/store.ts';
import { observation } from '../support/observations.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

function order(upstreamStatus: string, told: Partial<Order> = {}): Order {
  return {
    latest: { ...observation({ upstreamStatus }), version: 1 },
    statusSince: 0,
    trackedSince: 0,
    checkedAt: 0,
    dueAt: 0,
    failures: 0,
    ...told,
  };
}

describe('planner', () => {
  it.each([
    [0, SECOND_MS],
    [5 * MINUTE_MS, SECOND_MS],
    [15 * MINUTE_MS, SECOND_MS],
    [20 * MINUTE_MS, 30 * SECOND_MS],
    [2 * HOUR_MS, MINUTE_MS],
    [10 * HOUR_MS, 5 * MINUTE_MS],
    [2 * DAY_MS, 30 * MINUTE_MS],
  ])('%i ms into HANDLING asks again after %i ms', (checkedAt, intervalMs) => {
    for (const status of ['HANDLING', 'VERIFYING']) {
      expect(planner(false)(order(status, { checkedAt }))).toBe(checkedAt + intervalMs);
    }
  });

  it('counts from the start of the call that checked, and never asks before it ended', () => {
    const checked = order('HANDLING', { checkedAt: MINUTE_MS });
    expect(planner(false, { askedAt: MINUTE_MS - 300 })(checked)).toBe(MINUTE_MS + 700);
    expect(planner(false, { askedAt: 0 })(checked)).toBe(MINUTE_MS);
    // The clock was set back under way.
    expect(planner(false, { askedAt: HOUR_MS })(checked)).toBe(MINUTE_MS + SECOND_MS);
  });

  it('gives up after seven days, unless somebody watches', () => {
    const old = order('HANDLING', { checkedAt: 7 * DAY_MS + 1 });
    expect(planner(false)(old)).toBeNull();
    expect(planner(true)(old)).not.toBeNull();
    expect(planner(false)({ ...old, trackedSince: DAY_MS })).not.toBeNull();
  });

  it('leaves a parked order for 12 hours, then asks hourly; every 5 minutes for a watcher', () => {
    const parked = (checkedAt: number) => order('QUEUED', { checkedAt });
    expect(planner(false)(parked(MINUTE_MS))).toBe(12 * HOUR_MS);
    expect(planner(false)(parked(13 * HOUR_MS))).toBe(14 * HOUR_MS);
    expect(planner(true)(parked(MINUTE_MS))).toBe(6 * MINUTE_MS);
  });

  it.each(['FULFILLED', 'REFUNDED'])('never asks again after %s', (status) => {
    expect(planner(true)(order(status))).toBeNull();
  });
});

describe('staleAfter', () => {
  const judge = (status: string, now: number, failures = 0) =>
    now > staleAfter(order(status, { failures }));

  it('is so once the budget has passed an order over for longer than a busy key would', () => {
    expect(judge('HANDLING', 6 * SECOND_MS)).toBe(false);
    expect(judge('HANDLING', 8 * SECOND_MS)).toBe(true);
    expect(judge('QUEUED', 12 * HOUR_MS)).toBe(false);
    expect(judge('QUEUED', 12 * HOUR_MS + 3 * SECOND_MS)).toBe(true);
  });

  it('is so at once when the last check failed', () => {
    expect(judge('HANDLING', 0, 1)).toBe(true);
  });

  it('is never so once settled', () => {
    expect(judge('FULFILLED', DAY_MS, 3)).toBe(false);
  });
});

describe('overdueAfter', () => {
  it('is for orders in progress for over five minutes', () => {
    const isOverdue = (of: Parameters<typeof overdueAfter>[0], now: number) =>
      now > overdueAfter(of);
    expect(isOverdue(order('HANDLING'), 5 * MINUTE_MS)).toBe(false);
    expect(isOverdue(order('HANDLING'), 5 * MINUTE_MS + 1)).toBe(true);
    expect(isOverdue(order('QUEUED'), DAY_MS)).toBe(false);
    expect(isOverdue(order('FULFILLED'), DAY_MS)).toBe(false);
  });
});

describe('retryDelayMs', () => {
  it('spreads over a range that doubles, up to five minutes, and is never under a second', () => {
    expect(retryDelayMs(1, 0)).toBe(SECOND_MS);
    expect(retryDelayMs(1, 0.999)).toBeLessThan(3 * SECOND_MS);
    expect(retryDelayMs(3, 0.5)).toBe(5 * SECOND_MS);
    expect(retryDelayMs(60, 0.999)).toBeLessThanOrEqual(5 * MINUTE_MS + SECOND_MS);
  });
});
