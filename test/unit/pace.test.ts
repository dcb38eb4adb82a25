import { describe, expect, it } from 'vitest';
import type { Order } from '../../src/core/store.ts';
import { Pacer } from '../../src/poller/pace.ts';
import { Watchers } from '../../src/poller/watchers.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { observation } from '../support/observations.ts';

const SECOND_MS = 1_000;
const NOW = Date.UTC(2026, 0, 1);

function startPacer(): Pacer {
  const clock = new ManualClock(NOW);
  const watchers = new Watchers({ clock, random: () => 0.5 });
  return new Pacer({ clock, notebook: createMemoryStore(), watchers });
}

/** An order that was in progress when it was last seen. */
function orderOf(age: { readonly seconds: number; readonly unseenSeconds: number }): Order {
  const statusSince = NOW - age.seconds * SECOND_MS;
  const checkedAt = NOW - age.unseenSeconds * SECOND_MS;
  return {
    latest: { ...observation(), version: 1 },
    statusSince,
    checkedAt,
    trackedSince: statusSince,
    dueAt: checkedAt + SECOND_MS,
    failures: 0,
  };
}

function parkedFor(seconds: number): Order {
  const order = orderOf({ seconds: 20_000, unseenSeconds: seconds });
  return { ...order, latest: { ...order.latest, upstreamStatus: 'QUEUED' } };
}

/** What a page of so many such orders is worth. */
function pageOf(pacer: Pacer, count: number, order: Order): number {
  return count * pacer.pageWorth(order, NOW);
}

describe('what a page is worth', () => {
  it('is more for a few that nobody has seen for long than for many that were seen just now', () => {
    const pacer = startPacer();
    const few = orderOf({ seconds: 48, unseenSeconds: 12 });
    const many = orderOf({ seconds: 25, unseenSeconds: 5 });
    expect(pageOf(pacer, 7, few)).toBeGreaterThan(pageOf(pacer, 70, many));
  });

  it('is more for many than for few that were seen at the same time', () => {
    const pacer = startPacer();
    const order = orderOf({ seconds: 25, unseenSeconds: 8 });
    expect(pageOf(pacer, 60, order)).toBeGreaterThan(pageOf(pacer, 40, order));
  });

  it('stays small for orders that hardly ever settle, however long nobody has seen them', () => {
    const pacer = startPacer();
    for (let n = 0; n < 500; n += 1) learnOne(pacer, n);
    const slow = orderOf({ seconds: 400, unseenSeconds: 60 });
    const young = orderOf({ seconds: 25, unseenSeconds: 8 });
    expect(pageOf(pacer, 3, slow)).toBeLessThan(pageOf(pacer, 40, young));
  });

  it('lets parked orders have their turn, after long', () => {
    const pacer = startPacer();
    const young = pageOf(pacer, 60, orderOf({ seconds: 25, unseenSeconds: 10 }));
    expect(pageOf(pacer, 3, parkedFor(600))).toBeLessThan(young);
    expect(pageOf(pacer, 3, parkedFor(12 * 3_600))).toBeGreaterThan(young);
  });

  it('does not change by orders that settled while nobody looked, or before the clock was set', () => {
    const pacer = startPacer();
    const order = orderOf({ seconds: 25, unseenSeconds: 8 });
    const worth = pacer.pageWorth(order, NOW);
    for (let n = 0; n < 500; n += 1) learnOne(pacer, n, 3_601);
    expect(pacer.pageWorth(order, NOW)).toBe(worth);
    learnOne(pacer, 1, 3_599);
    expect(pacer.pageWorth(order, NOW)).not.toBe(worth);
  });

  it('is nothing right after a look', () => {
    const pacer = startPacer();
    expect(pacer.pageWorth(orderOf({ seconds: 25, unseenSeconds: 0 }), NOW)).toBe(0);
  });
});

/** Orders that take what the upstream states, but for two in a hundred, of ten minutes. */
function learnOne(pacer: Pacer, n: number, unseenSeconds = 1): void {
  const seconds = n % 50 === 0 ? 600 : 3 + ((n * 7) % 42);
  const before = orderOf({ seconds, unseenSeconds });
  const latest = { ...before.latest, upstreamStatus: 'FULFILLED' as const, processedAt: NOW };
  pacer.learn({ before, order: { ...before, latest, checkedAt: NOW }, appended: latest });
}
