import { describe, expect, it } from 'vitest';
import {
  freshUntil,
  overdueAfter,
  planner,
  retryDelayMs,
  staleAfter,
  trackedSince,
} from '../../src/core/cadence.ts';
import type { Order } from '../../src/core/store.ts';
import { viewOf, viewOfEarlier } from '../../src/core/view.ts';
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
    [15 * MINUTE_MS + 1, 30 * SECOND_MS],
    [HOUR_MS, 30 * SECOND_MS],
    [HOUR_MS + 1, MINUTE_MS],
    [6 * HOUR_MS, MINUTE_MS],
    [6 * HOUR_MS + 1, 5 * MINUTE_MS],
    [DAY_MS, 5 * MINUTE_MS],
    [DAY_MS + 1, 30 * MINUTE_MS],
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

  it('is not so before a check that was planned for later', () => {
    const later = order('HANDLING', { dueAt: MINUTE_MS });
    expect(staleAfter(later)).toBe(MINUTE_MS + 2 * SECOND_MS);
  });

  it('is never so once settled, nor once abandoned', () => {
    expect(judge('FULFILLED', DAY_MS, 3)).toBe(false);
    expect(staleAfter(order('HANDLING', { dueAt: null }))).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('freshUntil', () => {
  it.each([
    ['HANDLING', undefined, 5 * SECOND_MS],
    ['VERIFYING', undefined, 5 * SECOND_MS],
    ['QUEUED', undefined, 5 * MINUTE_MS],
    ['QUEUED', 7 * SECOND_MS, 7 * SECOND_MS],
    ['HANDLING', 0, Number.NEGATIVE_INFINITY],
    ['FULFILLED', 0, Number.POSITIVE_INFINITY],
  ])('%s with a maxAge of %o', (status, maxAgeMs, until) => {
    expect(freshUntil(order(status, { checkedAt: DAY_MS }), maxAgeMs)).toBe(DAY_MS + until);
  });
});

describe('trackedSince', () => {
  const since = (now: number, told: Partial<Order>) =>
    trackedSince(order('HANDLING', { trackedSince: HOUR_MS, ...told }), now);

  it('stays, also for a check that is days late, and for an abandoned order', () => {
    expect(since(8 * DAY_MS, { dueAt: 2 * DAY_MS })).toBe(HOUR_MS);
    expect(since(8 * DAY_MS, { dueAt: DAY_MS })).toBe(HOUR_MS);
    expect(since(8 * DAY_MS, { dueAt: null })).toBe(HOUR_MS);
  });

  it('begins anew with a check that is over seven days late, and after the clock was set back', () => {
    expect(since(8 * DAY_MS + 1, { dueAt: DAY_MS })).toBe(8 * DAY_MS + 1);
    expect(since(SECOND_MS, { dueAt: DAY_MS })).toBe(SECOND_MS);
  });
});

describe('viewOf', () => {
  it.each([
    ['HANDLING', MINUTE_MS, MINUTE_MS],
    // As soon as the budget allows.
    ['HANDLING', SECOND_MS, 2 * SECOND_MS],
    ['FULFILLED', null, null],
    ['QUEUED', null, null],
  ])(
    'of an order in %s that is due at %o says when the next check is',
    (status, dueAt, nextCheckAt) => {
      expect(viewOf(order(status, { dueAt }), 2 * SECOND_MS)).toMatchObject({ nextCheckAt });
    },
  );

  it('says what is stale and overdue, and when it comes to be', () => {
    const now = 5 * MINUTE_MS;
    const turns = { stale: 7 * SECOND_MS, overdue: now };
    const late = order('HANDLING');
    expect(viewOf(late, now)).toMatchObject({ isStale: true, isOverdue: false, turns });
    expect(viewOf(late, now + 1)).toMatchObject({ isStale: true, isOverdue: true, turns });
    expect(viewOf(late, turns.stale)).toMatchObject({ isStale: false, isOverdue: false, turns });
  });

  it('of an earlier snapshot is neither, and tells of the next check of its order', () => {
    const later = order('HANDLING', { dueAt: MINUTE_MS, checkedAt: SECOND_MS, failures: 1 });
    const snapshot = { ...later.latest, observedAt: 7 };
    const calm = { checkedAt: 7, isStale: false, isOverdue: false };
    expect(viewOfEarlier(snapshot, later)).toMatchObject({ ...calm, nextCheckAt: MINUTE_MS });
    const settled = order('FULFILLED', { dueAt: null });
    expect(viewOfEarlier(snapshot, settled)).toMatchObject({ ...calm, nextCheckAt: null });
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
  it('is whole milliseconds of a range that doubles, up to five minutes, and never under a second', () => {
    expect(retryDelayMs(1, 0)).toBe(SECOND_MS);
    expect(retryDelayMs(1, 0.999)).toBeLessThan(3 * SECOND_MS);
    expect(retryDelayMs(3, 0.5)).toBe(5 * SECOND_MS);
    expect(retryDelayMs(1, 1 / 3)).toBe(1_666);
    expect(retryDelayMs(60, 0.999)).toBeLessThanOrEqual(5 * MINUTE_MS + SECOND_MS);
    expect(retryDelayMs(60, 0.999, 1)).toBe(SECOND_MS + 29_970);
    expect(retryDelayMs(60, 0.999, 2)).toBe(SECOND_MS + 59_940);
    expect(retryDelayMs(60, 0.999, 50)).toBe(retryDelayMs(60, 0.999));
  });
});
