import { expect, it } from 'vitest';
import { Patience } from '../../src/upstream/patience.ts';

function after(durationsMs: readonly number[], mostMs = 15_000): Patience {
  const patience = new Patience(mostMs);
  for (const ms of durationsMs) patience.answered(ms);
  return patience;
}

it('a call is allowed all of its time until one was answered', () => {
  expect(new Patience(15_000).ms).toBe(15_000);
});

it.each([
  ['three seconds where answers are quick', Array(20).fill(200), 3_000],
  ['twice the usual time where they are slow, and always alike', Array(60).fill(4_000), 8_000],
  [
    'five times as long as the first one took, as long as that is all that is known',
    [2_000],
    10_000,
  ],
  ['no more than any call may take', [6_000, 1_000, 12_000], 15_000],
])('a call is allowed %s', (_, durationsMs, ms) => {
  expect(Math.round(after(durationsMs).ms / 100) * 100).toBe(ms);
});

it('fewer than one call in a hundred is given up where durations vary', () => {
  // Exponentially distributed, with an average of a second.
  const durationsMs = Array.from({ length: 1_000 }, (_, n) => -1_000 * Math.log((n + 0.5) / 1_000));
  const shuffled = durationsMs.map((_, n) => durationsMs[(n * 617) % 1_000] ?? 0);
  const patience = after([]);
  let givenUp = 0;
  for (const ms of shuffled) {
    if (ms <= patience.ms) patience.answered(ms);
    else {
      givenUp += 1;
      patience.gaveUp(patience.ms);
    }
  }
  expect(givenUp).toBeLessThan(10);
  expect(patience.ms).toBeLessThan(12_000);
});

it('the time that is allowed doubles with each call that was given up, once for those in flight together, until one is answered', () => {
  const patience = after(Array(20).fill(200));
  for (const ms of [3_000, 3_000, 3_000]) patience.gaveUp(ms);
  expect(patience.ms).toBe(6_000);
  for (const ms of [6_000, 6_000, 3_000]) patience.gaveUp(ms);
  expect(patience.ms).toBe(12_000);
  patience.gaveUp(12_000);
  expect(patience.ms).toBe(15_000);
  patience.answered(200);
  expect(patience.ms).toBe(3_000);
});
