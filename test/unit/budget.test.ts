import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallBudget } from '../../src/poller/budget.ts';
import { ManualClock } from '../support/manual-clock.ts';

describe('CallBudget', () => {
  it.each([5, 12, 60, 120, 6_000])(
    'allows at most %i calls in any 60 s, however greedy its user, with a restart in between',
    async (callsPerMinute) => {
      const clock = new ManualClock();
      const taken: number[] = [];
      const takeFor = async (budget: CallBudget, ms: number) => {
        for (let passed = 0; passed < ms; passed += 10) {
          while (budget.take()) taken.push(clock.now());
          await clock.advance(10);
        }
      };
      const rest = async () => clock.advance(90_000);
      const first = new CallBudget({ callsPerMinute, clock });
      await rest();
      await takeFor(first, 45_000);
      await takeFor(new CallBudget({ callsPerMinute, clock }), 90_000);
      const inMinute = taken.map((at, n) => {
        let last = n;
        while ((taken[last] ?? Number.POSITIVE_INFINITY) < at + 60_000) last += 1;
        return last - n;
      });
      expect(Math.max(...inMinute)).toBeLessThanOrEqual(callsPerMinute);
      expect(taken.length).toBeGreaterThan(callsPerMinute / 2);
    },
    60_000,
  );

  it('says how long to wait, and is right', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 500 }), fc.nat(50), (callsPerMinute, taken) => {
        let now = 0;
        const clock = { now: () => now, after: () => ({ cancel: () => undefined }) };
        const budget = new CallBudget({ callsPerMinute, clock });
        for (let n = 0; n < taken; n += 1) budget.take();
        now += budget.waitMs();
        expect(budget.take()).toBe(true);
      }),
    );
  });

  it('shrinks after a 429 and wins the loss back within minutes', async () => {
    const clock = new ManualClock();
    const budget = new CallBudget({ callsPerMinute: 120, clock });
    budget.shrink();
    expect(budget.left).toBe(0);
    expect(budget.callsPerMinute).toBeCloseTo(84);
    for (let n = 0; n < 20; n += 1) budget.shrink();
    expect(budget.callsPerMinute).toBeCloseTo(12);
    await clock.advance(10 * 60_000);
    expect(budget.callsPerMinute).toBeCloseTo(72);
    await clock.advance(10 * 60_000);
    expect(budget.callsPerMinute).toBe(120);
  });

  it('earns nothing by a clock that is set back', () => {
    let now = 1_000_000;
    const clock = { now: () => now, after: () => ({ cancel: () => undefined }) };
    const budget = new CallBudget({ callsPerMinute: 120, clock });
    while (budget.take());
    now -= 500_000;
    expect(budget.take()).toBe(false);
    now += 100;
    expect(budget.left).toBe(0);
  });
});
