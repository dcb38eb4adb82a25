import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SettlingTimes } from '../../src/core/settling.ts';

const SECOND_MS = 1_000;
const DAY_MS = 24 * 3_600 * SECOND_MS;

const bounds = { leastMs: SECOND_MS, mostMs: 60 * SECOND_MS };

/** Orders that all settled between two ages. */
function learned(fromMs: number, toMs: number, count = 400): SettlingTimes {
  const times = new SettlingTimes();
  for (let n = 0; n < count; n += 1) times.add(fromMs + ((toMs - fromMs) * n) / count);
  return times;
}

describe('SettlingTimes', () => {
  it('expects, before anything was seen, what the upstream states: 3 to 45 s', () => {
    const times = new SettlingTimes();
    const delayAt = (ageMs: number) => times.delayMs({ ageMs, priceMs: 5, ...bounds });
    // Nothing can be found before the third second.
    expect(delayAt(0)).toBeGreaterThan(3 * SECOND_MS);
    expect(delayAt(0)).toBeLessThan(4.5 * SECOND_MS);
    for (const ageMs of [4, 10, 20, 30, 40]) expect(delayAt(ageMs * SECOND_MS)).toBe(SECOND_MS);
    // Past what is stated, an end is less and less likely.
    expect(delayAt(60 * SECOND_MS)).toBeGreaterThan(2 * SECOND_MS);
    expect(delayAt(300 * SECOND_MS)).toBeGreaterThan(delayAt(60 * SECOND_MS));
  });

  it('learns when orders really settle', () => {
    const times = learned(20 * SECOND_MS, 25 * SECOND_MS);
    const lagAt = (ageMs: number) => times.expectedLagMs({ ageMs, delayMs: 2 * SECOND_MS });
    expect(lagAt(22 * SECOND_MS)).toBeGreaterThan(10 * lagAt(10 * SECOND_MS));
    const early = times.delayMs({ ageMs: 10 * SECOND_MS, priceMs: 100, ...bounds });
    const likely = times.delayMs({ ageMs: 22 * SECOND_MS, priceMs: 100, ...bounds });
    expect(early).toBeGreaterThan(2 * likely);
  });

  it('follows a square root: a price four times as high doubles the delay', () => {
    const times = new SettlingTimes();
    const delayFor = (priceMs: number) =>
      times.delayMs({ ageMs: 10 * SECOND_MS, priceMs, leastMs: 0, mostMs: DAY_MS });
    expect(delayFor(100) / delayFor(25)).toBeCloseTo(2, 0);
  });

  it('goes on as it was, from what it kept', () => {
    const times = learned(5 * SECOND_MS, 30 * SECOND_MS);
    const query = { ageMs: 8 * SECOND_MS, priceMs: 50, ...bounds };
    expect(new SettlingTimes(times.counted.settled).delayMs(query)).toBe(times.delayMs(query));
    expect(new SettlingTimes([]).delayMs(query)).toBe(new SettlingTimes().delayMs(query));
  });

  it('forgets the old by and by, and stays small', () => {
    const times = learned(30 * SECOND_MS, 45 * SECOND_MS, 10_000);
    for (let n = 0; n < 10_000; n += 1) times.add(5 * SECOND_MS);
    const total = times.counted.settled.reduce((sum, count) => sum + count, 0);
    expect(total).toBeLessThan(2_000);
    const lagAt = (ageMs: number) => times.expectedLagMs({ ageMs, delayMs: SECOND_MS });
    expect(lagAt(5 * SECOND_MS)).toBeGreaterThan(lagAt(20 * SECOND_MS));
  });

  it('keeps its bounds at every age and price, and is never slow', () => {
    const times = learned(3 * SECOND_MS, 45 * SECOND_MS);
    fc.assert(
      fc.property(
        fc.integer({ min: -DAY_MS, max: 30 * DAY_MS }),
        fc.integer({ min: 0, max: DAY_MS }),
        fc.integer({ min: 0, max: 3_600 * SECOND_MS }),
        (ageMs, priceMs, mostMs) => {
          const leastMs = Math.min(SECOND_MS, mostMs);
          const delayMs = times.delayMs({ ageMs, priceMs, leastMs, mostMs });
          expect(delayMs).toBeGreaterThanOrEqual(leastMs);
          expect(delayMs).toBeLessThanOrEqual(mostMs);
          const lagMs = times.expectedLagMs({ ageMs, delayMs: mostMs });
          expect(lagMs).toBeGreaterThanOrEqual(0);
          expect(lagMs).toBeLessThanOrEqual(mostMs);
        },
      ),
    );
  });

  it('does not take an order for settled because it is older than all bins', () => {
    const times = new SettlingTimes();
    const weekMs = 7 * 24 * 3_600_000;
    const wait = { ageMs: weekMs + 1_000, delayMs: 30 * 60_000 };
    expect(times.unsettled(wait)).toBe(1);
    expect(times.expectedLagMs(wait)).toBeCloseTo(0);
  });

  it('learns from orders that are still in progress, too', () => {
    const [settledAlone, all] = [learned(3_000, 45_000), learned(3_000, 45_000)];
    for (let n = 0; n < 20; n += 1) all.inProgress(500 * SECOND_MS);
    const lagOf = (times: SettlingTimes) =>
      times.expectedLagMs({ ageMs: 100 * SECOND_MS, delayMs: 100 * SECOND_MS });
    expect(lagOf(all)).toBeLessThan(lagOf(settledAlone) / 5);
    const { settled, reached } = all.counted;
    expect(lagOf(new SettlingTimes(settled, reached))).toBe(lagOf(all));
  });

  it('notes an order once in each age that it reaches', () => {
    const [often, once] = [new SettlingTimes(), new SettlingTimes()];
    for (let age = 0; age < 30; age += 1) {
      often.inProgress(age * SECOND_MS, age === 0 ? undefined : (age - 1) * SECOND_MS);
    }
    often.add(31 * SECOND_MS, 29 * SECOND_MS);
    once.add(31 * SECOND_MS);
    expect(often.counted).toEqual(once.counted);
  });
});
