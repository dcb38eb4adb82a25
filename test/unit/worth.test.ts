import { describe, expect, it } from 'vitest';
import { SettlingTimes } from '../../src/core/settling.ts';
import { Worth } from '../../src/core/worth.ts';

const SECOND_MS = 1_000;

/** Of orders that take 3 to 45 s, evenly. */
function asStated(): { readonly times: SettlingTimes; readonly worth: Worth } {
  const times = new SettlingTimes();
  for (let n = 0; n < 1_900; n += 1) times.add(3_000 + (42_000 * n) / 1_900);
  return { times, worth: new Worth(times) };
}

describe('what a check is worth by itself', () => {
  const { times, worth } = asStated();
  const priceMs = (checked: number, age: number) =>
    worth.priceMs({ checkedMs: checked * SECOND_MS, ageMs: age * SECOND_MS });

  it('never falls while an order waits', () => {
    for (const checked of [0, 5, 20, 38.2]) {
      let before = 0;
      for (let age = checked; age < 60; age += 0.1) {
        expect(priceMs(checked, age)).toBeGreaterThanOrEqual(before);
        before = priceMs(checked, age);
      }
    }
  });

  it('does not fall either while an order waits for minutes or weeks, because the gateway was away', () => {
    for (const checked of [0, 20, 59.9]) {
      const prices = [59.9, 60, 75, 120, 3_600, 86_400, 691_200, 2_592_000].map((age) =>
        priceMs(checked, age),
      );
      expect(prices).toEqual(prices.toSorted((one, other) => one - other));
      expect(prices.at(-1)).toBeGreaterThan(50 * SECOND_MS);
    }
  });

  it('is that of a new order for one that seems to be from the future, by whichever clock', () => {
    expect(priceMs(-5, -3.25)).toBe(priceMs(0, 0));
    expect(priceMs(-5, 8.25)).toBe(priceMs(0, 8.25));
  });

  it('is small where nothing can be found, and right after a check', () => {
    expect(priceMs(0, 3)).toBeLessThan(10);
    expect(priceMs(20, 20)).toBeLessThan(10);
  });

  it('is highest once an order is as good as settled: to wait gains nothing then', () => {
    const lagAt = (checked: number, age: number) =>
      times.expectedLagMs({ ageMs: checked * SECOND_MS, delayMs: (age - checked) * SECOND_MS });
    // Where the hazard hardly changes, it is the lag that a check ends, once or twice; here far more.
    expect(priceMs(20, 22)).toBeLessThan(3 * lagAt(20, 22));
    expect(priceMs(36, 48)).toBeGreaterThan(3 * lagAt(36, 48));
  });

  it('counts the time since the last check, however old the order was then', () => {
    expect(priceMs(20.2, 25.2)).toBeCloseTo(priceMs(20, 25), 6);
  });

  it('grows evenly from one age that was computed to the next', () => {
    const middle = (priceMs(20, 24.5) + priceMs(20, 25)) / 2;
    expect(priceMs(20, 24.75)).toBeCloseTo(middle, 6);
    expect(priceMs(20, 24.5)).toBeLessThan(priceMs(20, 24.75));
  });

  it('is small for minutes where orders take ten, and highest after that', () => {
    const slow = new SettlingTimes();
    for (let n = 0; n < 2_000; n += 1) slow.add(600_000 + 30 * n);
    const slowWorth = new Worth(slow);
    const slowPriceMs = (age: number) =>
      slowWorth.priceMs({ checkedMs: 50 * SECOND_MS, ageMs: age * SECOND_MS });
    expect(slowPriceMs(90)).toBeLessThan(10);
    expect(slowPriceMs(500)).toBeLessThan(100);
    expect(slowPriceMs(700)).toBeGreaterThan(50 * SECOND_MS);
  });

  it('leaves old orders to the lag that a check ends', () => {
    expect(priceMs(300, 600)).toBe(0);
  });
});
