import { expect, it } from 'vitest';
import { MissingCards } from '../../src/poller/missing-cards.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ORDER_ID } from '../support/observations.ts';

/** How long a card whose check has just failed is not asked for, though each list shows that it is missing. */
async function waitAfterFailure(cards: MissingCards, clock: ManualClock): Promise<number> {
  const from = clock.steady();
  cards.failed(ORDER_ID);
  for (;;) {
    cards.add(ORDER_ID);
    if (cards.take(ORDER_ID)) return clock.steady() - from;
    await clock.advance(500);
  }
}

it('a card is asked for ever later while its check fails, and soon again once one has succeeded', async () => {
  const clock = new ManualClock();
  const cards = new MissingCards({ clock, random: () => 0.5 });
  const wait = () => waitAfterFailure(cards, clock);
  expect([await wait(), await wait(), await wait()]).toEqual([2_000, 3_000, 5_000]);
  cards.fetched(ORDER_ID);
  expect(await wait()).toBe(2_000);
});

it('an order is put off after a failed check until that may be repeated, and after two until one succeeds', async () => {
  const clock = new ManualClock();
  const cards = new MissingCards({ clock, random: () => 0.5 });
  expect(cards.isPutOff(ORDER_ID)).toBe(false);
  cards.failed(ORDER_ID);
  expect(cards.isPutOff(ORDER_ID)).toBe(true);
  await clock.advance(2_000);
  expect(cards.isPutOff(ORDER_ID)).toBe(false);
  cards.failed(ORDER_ID);
  await clock.advance(600_000);
  expect(cards.isPutOff(ORDER_ID)).toBe(true);
  cards.fetched(ORDER_ID);
  expect(cards.isPutOff(ORDER_ID)).toBe(false);
});
