import { describe, expect, it } from 'vitest';
import type { Order } from '../../src/core/store.ts';
import { Pacer } from '../../src/poller/pace.ts';
import { type UnseenDue, Watchers } from '../../src/poller/watchers.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { ORDER_ID, observation } from '../support/observations.ts';

const SECOND_MS = 1_000;
const NOW = Date.UTC(2026, 0, 1);

/** A pacer for which all orders of `watched` have a watcher. */
function startPacer({
  clock = new ManualClock(NOW),
  notebook = createMemoryStore(),
  watched = [] as readonly string[],
} = {}): Pacer {
  const watchers = new Watchers({ clock, random: () => 0.5 });
  for (const orderId of watched) watchers.add(orderId, () => undefined);
  return new Pacer({ clock, notebook, watchers });
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

function ofType(order: Order, type: string | null): Order {
  return { ...order, latest: { ...order.latest, type } };
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
    for (let n = 0; n < 500; n += 1) learnOne(pacer, n, { unseenSeconds: 3_601 });
    expect(pacer.pageWorth(order, NOW)).toBe(worth);
    learnOne(pacer, 1, { unseenSeconds: 3_599 });
    expect(pacer.pageWorth(order, NOW)).not.toBe(worth);
  });

  it('is nothing right after a look', () => {
    const pacer = startPacer();
    expect(pacer.pageWorth(orderOf({ seconds: 25, unseenSeconds: 0 }), NOW)).toBe(0);
  });
});

describe('the first look at a watched order that no call has shown yet', () => {
  it('comes before a check of a watched order that was seen a moment ago, not of one long unseen', () => {
    const pacer = startPacer({ watched: [ORDER_ID] });
    const gainMs = pacer.firstLookGainMs(unseen({ sentSeconds: 0, dueSeconds: 0 }), NOW);
    const seenBefore = (unseenSeconds: number) =>
      pacer.gainMs(orderOf({ seconds: 20 + unseenSeconds, unseenSeconds }), NOW);
    expect(gainMs).toBeGreaterThan(seenBefore(1));
    expect(gainMs).toBeLessThan(seenBefore(5));
  });

  it('gains more the longer ago the order was sent, since it may have settled', () => {
    const pacer = startPacer();
    const sent = (sentSeconds: number) =>
      pacer.firstLookGainMs(unseen({ sentSeconds, dueSeconds: 0 }), NOW);
    expect(sent(10)).toBeGreaterThan(2 * sent(0));
    expect(sent(40)).toBeGreaterThan(2 * sent(10));
    // A minute at most counts.
    expect(sent(86_400)).toBe(sent(60));
  });

  it('gains more and more while it waits, so that its turn comes on the busiest key', () => {
    const pacer = startPacer({ watched: [ORDER_ID] });
    const waiting = (dueSeconds: number) =>
      pacer.firstLookGainMs(unseen({ sentSeconds: 0, dueSeconds }), NOW);
    const watched = pacer.gainMs(orderOf({ seconds: 60, unseenSeconds: 30 }), NOW);
    expect(waiting(0)).toBeLessThan(watched);
    expect(waiting(3_600) - waiting(1_800)).toBeGreaterThan(watched);
  });

  it('adds more to a page than an order seen when that one was sent, and nothing right after it was sent', () => {
    const pacer = startPacer({ watched: [ORDER_ID] });
    const firstLook = (sentSeconds: number) =>
      pacer.firstLookPageWorth(unseen({ sentSeconds, dueSeconds: sentSeconds }), NOW);
    const seen = orderOf({ seconds: 10, unseenSeconds: 10 });
    expect(firstLook(10)).toBeGreaterThan(pacer.pageWorth(seen, NOW));
    expect(firstLook(20)).toBeGreaterThan(firstLook(10));
    expect(firstLook(0)).toBe(0);
  });
});

describe('what an earlier process learned', () => {
  const order = orderOf({ seconds: 60, unseenSeconds: 1 });
  const delayMs = (pacer: Pacer) => pacer.pace(order, SECOND_MS);

  it('is known to the next one, but for the last seconds', async () => {
    const [clock, notebook] = [new ManualClock(NOW), createMemoryStore()];
    const earlier = startPacer({ clock, notebook });
    for (let n = 0; n < 500; n += 1) learnOne(earlier, n);
    await clock.advance(10 * SECOND_MS);
    learnOne(earlier, 500);
    const later = startPacer({ clock, notebook });
    expect(delayMs(later)).not.toBe(delayMs(earlier));
    await later.recall();
    expect(delayMs(later)).toBe(delayMs(earlier));
  });

  it.each(['{"":{"settled":3}}', '{"":{"settled":[-1],"reached":[]}}', 'no JSON'])(
    'is left out if noted as %s',
    async (note) => {
      const notebook = createMemoryStore();
      await notebook.note('settling-ages', note);
      const pacer = startPacer({ notebook });
      await pacer.recall();
      expect(delayMs(pacer)).toBe(delayMs(startPacer()));
    },
  );
});

/** An order that was sent so long ago, and whose first look has been due for so long. */
function unseen(ago: { readonly sentSeconds: number; readonly dueSeconds: number }): UnseenDue {
  const sentAt = NOW / SECOND_MS - ago.sentSeconds;
  const orderId = sentAt.toString(16).padEnd(24, '0');
  return { orderId, dueAt: NOW - ago.dueSeconds * SECOND_MS, isUnlisted: false, failures: 0 };
}

/** Orders that take what the upstream states, but for two in a hundred, of ten minutes. */
function learnOne(
  pacer: Pacer,
  n: number,
  { unseenSeconds = 1, type = null as string | null, processedAt = NOW } = {},
): void {
  const seconds = n % 50 === 0 ? 600 : 3 + ((n * 7) % 42);
  const before = ofType(orderOf({ seconds, unseenSeconds }), type);
  const latest = { ...before.latest, upstreamStatus: 'FULFILLED' as const, processedAt };
  pacer.learn({ before, order: { ...before, latest, checkedAt: NOW }, appended: latest });
}

it('what is learned of a type counts for that type alone, and from the twenty-first on for all new ones', () => {
  const pacer = startPacer();
  const slow = orderOf({ seconds: 400, unseenSeconds: 60 });
  const worthOf = (type: string) => pacer.pageWorth(ofType(slow, type), NOW);
  const unlearned = worthOf('type 0');
  for (let nth = 0; nth < 20; nth += 1) learnOne(pacer, nth, { type: `type ${nth}` });
  const worthOfFirst = worthOf('type 1');
  expect(worthOf('type 20')).toBe(unlearned);
  for (let n = 1; n < 500; n += 1) learnOne(pacer, n, { type: 'type 20' });
  expect(worthOf('type 20')).not.toBe(unlearned);
  expect(worthOf('type 21')).toBe(worthOf('type 20'));
  expect(worthOf('type 1')).toBe(worthOfFirst);
});

it.each([-3_600_000, -30_000, 30_000, 3_600_000])(
  'the same is learned from what was seen, though the upstream tells times of processing %i ms apart from that',
  (apartMs) => {
    const [right, wrong] = [startPacer(), startPacer()];
    for (let n = 0; n < 500; n += 1) {
      learnOne(right, n);
      learnOne(wrong, n, { processedAt: NOW + apartMs });
    }
    const order = orderOf({ seconds: 20, unseenSeconds: 5 });
    const [gain, wrongGain] = [right.gainMs(order, NOW), wrong.gainMs(order, NOW)];
    expect(Math.abs(wrongGain - gain)).toBeLessThan(gain / 4);
  },
);
