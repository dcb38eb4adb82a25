import { expect, it } from 'vitest';
import { CallBudget } from '../../src/poller/budget.ts';
import { Spare } from '../../src/poller/spare.ts';
import { ManualClock } from '../support/manual-clock.ts';

function newSpare() {
  const clock = new ManualClock();
  return {
    clock,
    spare: new Spare({ budget: new CallBudget({ callsPerMinute: 120, clock }), clock }),
  };
}

/** Looks that may start within a minute, with so many cards in each. */
async function looksAMinute(cards: number): Promise<number> {
  const { clock, spare } = newSpare();
  let looks = 0;
  for (let ms = 0; ms < 180_000; ms += 100) {
    if (Math.floor((ms * cards) / 60_000) > Math.floor(((ms - 100) * cards) / 60_000)) {
      spare.tookCard();
    }
    if (spare.waitMs() === 0) {
      spare.tookLook();
      if (ms >= 120_000) looks += 1;
    }
    await clock.advance(100);
  }
  return looks;
}

it('looks have what the cards of the last minute, and the root of their number, leave over', async () => {
  expect(await looksAMinute(25)).toBeCloseTo(120 - 25 - 5, -1);
  expect(await looksAMinute(81)).toBeCloseTo(120 - 81 - 9, -1);
});

it('looks go on at one call in six, however many cards there are', async () => {
  expect(await looksAMinute(118)).toBeGreaterThanOrEqual(19);
  expect(await looksAMinute(118)).toBeLessThanOrEqual(21);
});

it('it is told how long to wait for the next look, to the millisecond', async () => {
  const { clock, spare } = newSpare();
  for (let card = 0; card < 25; card += 1) spare.tookCard();
  while (spare.waitMs() === 0) spare.tookLook();
  // 90 looks a minute are left.
  expect(spare.waitMs()).toBe(667);
  await clock.advance(666);
  expect(spare.waitMs()).toBe(1);
  await clock.advance(1);
  expect(spare.waitMs()).toBe(0);
});

it('looks have all calls again a minute after the last card', async () => {
  const { clock, spare } = newSpare();
  for (let card = 0; card < 25; card += 1) spare.tookCard();
  await clock.advance(60_000);
  while (spare.waitMs() === 0) spare.tookLook();
  expect(spare.waitMs()).toBe(500);
});

it('nobody waits where no cards are', () => {
  const { spare } = newSpare();
  for (let look = 0; look < 4; look += 1) {
    expect(spare.waitMs()).toBe(0);
    spare.tookLook();
  }
});
