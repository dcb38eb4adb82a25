import { expect, it } from 'vitest';
import { Seldom } from '../../src/core/seldom.ts';
import { ManualClock } from '../support/manual-clock.ts';

it('of what comes often the first is let through, then one in each interval, with how many it stands for', async () => {
  const clock = new ManualClock();
  const seldom = new Seldom(clock, 1_000);
  expect([seldom.times(), seldom.times(), seldom.times()]).toEqual([1, undefined, undefined]);
  await clock.advance(999);
  expect(seldom.times()).toBeUndefined();
  await clock.advance(1);
  expect([seldom.times(), seldom.times()]).toEqual([4, undefined]);
});
