import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Order } from '../../src/core/store.ts';
import type { Observation } from '../../src/core/topup.ts';
import { advance } from '../../src/store/advance.ts';
import { inOneSecond, observed, T0 } from '../conformance/store/observations.ts';

describe('advance', () => {
  test('answers for a first observation', () => {
    expect(advance(undefined, observed({ createdAt: T0 - 5 }), inOneSecond)).toEqual({
      order: {
        latest: { ...observed({ createdAt: T0 - 5 }), version: 1 },
        statusSince: T0 - 5,
        trackedSince: T0,
        checkedAt: T0,
        dueAt: T0 + 1_000,
        failures: 0,
      },
      appended: { ...observed({ createdAt: T0 - 5 }), version: 1 },
    });
  });

  test('gives the very order back for one that is out of date', () => {
    const { order } = advance(undefined, observed(), inOneSecond);
    const late = advance(order, observed({ ref: 'late', observedAt: T0 - 1 }), inOneSecond);
    expect(late.order).toBe(order);
    expect(late.appended).toBeUndefined();
  });

  test('takes an order to be no older than the upstream says, once that is credible', () => {
    const createdAt = T0 + 5_000;
    const { order } = advance(undefined, observed({ createdAt }), inOneSecond);
    expect(order.statusSince).toBe(T0);
    const later = advance(order, observed({ createdAt, observedAt: T0 + 9_000 }), inOneSecond);
    expect(later.order.statusSince).toBe(createdAt);
  });

  test('does not count a week without a check as tracking', () => {
    const week = 7 * 24 * 3_600_000;
    const { order } = advance(undefined, observed(), inOneSecond);
    const tracked = (ms: number) =>
      advance(order, observed({ observedAt: T0 + ms }), inOneSecond).order.trackedSince;
    // The check was due after one second.
    expect(tracked(week + 1_000)).toBe(T0);
    expect(tracked(week + 1_001)).toBe(T0 + week + 1_001);
  });

  test('does not plan a settled order', () => {
    const plan = () => {
      throw new Error('planned');
    };
    const { order } = advance(undefined, observed({ upstreamStatus: 'FULFILLED' }), plan);
    expect(order.dueAt).toBeNull();
  });

  test('holds, whatever is observed in whatever order: versions without holes, time never backwards', () => {
    const observation = fc.record({
      upstreamStatus: fc.constantFrom('HANDLING', 'QUEUED', 'FULFILLED', 'TELEPORTED'),
      observedAt: fc.integer({ min: T0, max: T0 + 20 }),
      ref: fc.option(fc.constantFrom('a', 'b')),
      createdAt: fc.option(fc.integer({ min: T0 - 5, max: T0 + 25 })),
    });
    fc.assert(
      fc.property(fc.array(observation, { minLength: 1 }), (told) => {
        told.map((details) => observed(details)).reduce<Order | undefined>(step, undefined);
      }),
      { seed: 20260101, numRuns: 300 },
    );
  });
});

function step(before: Order | undefined, told: Observation): Order {
  const { order, appended } = advance(before, told, inOneSecond);
  const versionBefore = before?.latest.version ?? 0;
  expect(order.latest.version).toBe(versionBefore + (appended === undefined ? 0 : 1));
  expect(order.checkedAt).toBeGreaterThanOrEqual(before?.checkedAt ?? 0);
  expect(order.statusSince).toBeLessThanOrEqual(order.checkedAt);
  expect(order.statusSince).toBeGreaterThanOrEqual(before?.statusSince ?? 0);
  expect(order.trackedSince).toBe(before?.trackedSince ?? told.observedAt);
  return order;
}
