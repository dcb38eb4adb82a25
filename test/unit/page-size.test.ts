import { expect, it } from 'vitest';
import type { Covered } from '../../src/poller/best-page.ts';
import { PageSize } from '../../src/poller/page-size.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { observation } from '../support/observations.ts';

const TEN_MINUTES_MS = 600_000;

const KNOWN = { latest: {} } as Covered['order'];

function missing(createdAt: number): Covered {
  return { orderId: `missing-${createdAt}`, createdAt, gainMs: 1, worth: 1, order: KNOWN };
}

/** A page of orders that were created a second apart, the first one at 100 s. */
function page(rows: number, ...left: readonly Covered[]) {
  const observations = Array.from({ length: rows }, (_, n) =>
    observation({ orderId: `shown-${n}`, createdAt: 100_000 + n * 1_000 }),
  );
  return { observations, rows, missing: left };
}

it('is what a page shows of which the oldest orders are missing, for ten minutes', async () => {
  const clock = new ManualClock();
  const size = new PageSize(clock);
  expect(size.rows).toBe(100);
  size.learn(page(20, missing(98_000), missing(99_000)));
  expect(size.rows).toBe(20);
  size.learn(page(12));
  await clock.advance(TEN_MINUTES_MS - 1);
  expect(size.rows).toBe(20);
  await clock.advance(1);
  expect(size.rows).toBe(100);
});

it('is learned whatever ids that nobody has seen yet are missing besides', () => {
  const size = new PageSize(new ManualClock());
  size.learn(page(20, missing(99_000), { ...missing(105_500), order: undefined }));
  expect(size.rows).toBe(20);
});

it('is as many as are asked for again once a page shows more', () => {
  const size = new PageSize(new ManualClock());
  size.learn(page(50, missing(99_000)));
  size.learn(page(51));
  expect(size.rows).toBe(100);
});

it.each([
  ['that lacks a newer order', page(20, missing(99_000), missing(105_500))],
  ['of fewer rows than any upstream cuts at', page(5, missing(99_000))],
  ['of a number that no upstream cuts at', page(23, missing(99_000))],
  [
    'that lacks nothing but what nobody has seen yet',
    page(20, { ...missing(99_000), order: undefined }),
  ],
  ['whose rows cannot be read', { ...page(0, missing(99_000)), rows: 20 }],
])('is not learned from a page %s', (_what, shown) => {
  const size = new PageSize(new ManualClock());
  size.learn(shown);
  expect(size.rows).toBe(100);
});
