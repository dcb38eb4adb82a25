import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallBudget } from '../../src/poller/budget.ts';
import { ManualClock } from '../support/manual-clock.ts';

const YEAR_MS = 365 * 24 * 3_600_000;

describe('CallBudget', () => {
  it.each([5, 12, 60, 120, 6_000])(
    'allows at most %i calls in any 60 s, however greedy its user, with restarts in between',
    async (callsPerMinute) => {
      const clock = new ManualClock();
      const taken: number[] = [];
      const takeFor = async (budget: CallBudget, ms: number) => {
        for (let passed = 0; passed < ms; passed += 10) {
          while (budget.start() !== undefined) taken.push(clock.now());
          await clock.advance(10);
        }
      };
      const rest = async () => clock.advance(90_000);
      let budget = new CallBudget({ callsPerMinute, clock });
      await rest();
      for (const ms of [45_000, 1_000, 300, 20, 300, 90_000]) {
        await takeFor(budget, ms);
        budget = new CallBudget({ callsPerMinute, clock, note: budget.note });
      }
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

  it.each([
    [5, 1],
    [60, 2],
    [120, 4],
    [6_000, 10],
  ])(
    'at %i calls a minute lets %i start at once, the others evenly',
    async (callsPerMinute, burst) => {
      const clock = new ManualClock();
      const budget = new CallBudget({ callsPerMinute, clock });
      await clock.advance(60_000);
      const startAll = () => {
        let started = 0;
        while (budget.start() !== undefined) started += 1;
        return started;
      };
      expect(startAll()).toBe(burst);
      await clock.advance(60_000 / callsPerMinute - 1);
      expect(startAll()).toBe(0);
      await clock.advance(1);
      expect(startAll()).toBe(1);
    },
  );

  it('has no other call wait longer for urgent ones than for its turn', async () => {
    const clock = new ManualClock();
    const budget = new CallBudget({ callsPerMinute: 120, clock });
    for (let n = 0; n < 20; n += 1) budget.start({ urgent: true });
    expect(budget.waitMs()).toBe(500);
  });

  it('says how long to wait, and is right', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 500 }), fc.nat(50), (callsPerMinute, taken) => {
        let now = 0;
        const after = () => ({ cancel: () => undefined });
        const clock = { now: () => now, steady: () => now, after };
        const budget = new CallBudget({ callsPerMinute, clock });
        for (let n = 0; n < taken; n += 1) budget.start();
        now += budget.waitMs();
        expect(budget.start()).toBeDefined();
      }),
    );
  });

  it('shrinks after a 429 below what was in use, and starts anew without a burst', async () => {
    const clock = new ManualClock();
    const budget = new CallBudget({ callsPerMinute: 120, clock });
    for (let n = 0; n < 60; n += 1) {
      budget.start();
      await clock.advance(520);
    }
    budget.shrink();
    expect(budget.left).toBe(0);
    expect(budget.callsPerMinute).toBe(42);
    // Of the same trouble.
    budget.shrink();
    expect(budget.callsPerMinute).toBe(42);
    await clock.advance(1_500);
    expect(budget.left).toBe(1);
  });

  it('takes a 429 right after a restart for one trouble with the 429 before it', async () => {
    const clock = new ManualClock();
    const earlier = new CallBudget({ callsPerMinute: 120, clock });
    while (earlier.start({ urgent: true }) !== undefined);
    earlier.shrink();
    await clock.advance(30_000);
    const budget = new CallBudget({ callsPerMinute: 120, clock, note: earlier.note });
    budget.shrink();
    expect(budget.callsPerMinute).toBe(earlier.callsPerMinute);
  });

  it('goes on as before where a note cannot be read', () => {
    const clock = new ManualClock();
    for (const note of ['', 'null', '{}', '{"taken":[1],"ceiling":{}}', '{"taken":"x"}']) {
      expect(new CallBudget({ callsPerMinute: 120, clock, note }).callsPerMinute).toBe(120);
    }
  });

  it.each([-YEAR_MS, YEAR_MS])('counts as before when the clock is set by %i ms', async (byMs) => {
    const clock = new ManualClock();
    const budget = new CallBudget({ callsPerMinute: 120, clock });
    for (let n = 0; n < 60; n += 1) {
      budget.start({ urgent: true });
      await clock.advance(100);
    }
    clock.set(byMs);
    expect(budget.usedInLastMinute).toBe(60);
    expect(budget.room).toBe(60);
    await clock.advance(61_000);
    expect(budget.room).toBe(120);
  });

  it('takes over calls that lie in the future, of a clock that was set back, as calls of just now', async () => {
    const clock = new ManualClock();
    const earlier = new CallBudget({ callsPerMinute: 120, clock });
    while (earlier.start({ urgent: true }) !== undefined);
    earlier.shrink();
    clock.set(-YEAR_MS);
    const { note } = earlier;
    clock.set(-YEAR_MS);
    const budget = new CallBudget({ callsPerMinute: 120, clock, note });
    expect(budget.room).toBe(0);
    await clock.advance(61_000);
    expect(budget.room).toBe(budget.callsPerMinute);
    // Another 429, of another minute, counts.
    const before = budget.callsPerMinute;
    while (budget.start({ urgent: true }) !== undefined);
    budget.shrink();
    expect(budget.callsPerMinute).toBeLessThan(before);
  });

  it('lets urgent calls start at once, as far as the window has room, and no further', async () => {
    const clock = new ManualClock();
    const budget = new CallBudget({ callsPerMinute: 120, clock });
    let urgent = 0;
    while (budget.start({ urgent: true }) !== undefined) urgent += 1;
    expect(urgent).toBe(120);
    expect(budget.start()).toBeUndefined();
    await clock.advance(59_999);
    expect(budget.start({ urgent: true })).toBeUndefined();
    await clock.advance(1_001);
    expect(budget.start({ urgent: true })).toBeDefined();
  });

  it('counts a call for a minute after its answer', async () => {
    const clock = new ManualClock();
    const budget = new CallBudget({ callsPerMinute: 120, clock });
    const [quick, slow] = [budget.start({ urgent: true }), budget.start({ urgent: true })];
    await clock.advance(200);
    quick?.end();
    await clock.advance(9_800);
    slow?.end();
    await clock.advance(50_199);
    expect(budget.room).toBe(118);
    await clock.advance(1);
    expect(budget.room).toBe(119);
    await clock.advance(9_799);
    expect(budget.room).toBe(119);
    await clock.advance(1);
    expect(budget.room).toBe(120);
  });

  it('counts no call for longer because one before it was answered later', async () => {
    const clock = new ManualClock();
    const budget = new CallBudget({ callsPerMinute: 120, clock });
    const [slow, quick] = [budget.start({ urgent: true }), budget.start({ urgent: true })];
    quick?.end();
    await clock.advance(30_000);
    slow?.end();
    await clock.advance(30_000);
    expect(budget.room).toBe(119);
  });

  it('says when the window has room for so many calls', async () => {
    const clock = new ManualClock();
    const budget = new CallBudget({ callsPerMinute: 120, clock });
    for (let n = 0; n < 118; n += 1) {
      budget.start({ urgent: true })?.end();
      await clock.advance(100);
    }
    expect([budget.roomInMs(2), budget.roomInMs(3)]).toEqual([0, 60_000 - 11_800]);
    await clock.advance(1_000);
    expect(budget.roomInMs(3)).toBe(60_000 - 12_800);
  });

  it('says when a 429 leaves room again, though the limit has some', async () => {
    const clock = new ManualClock();
    const budget = new CallBudget({ callsPerMinute: 120, clock });
    for (let n = 0; n < 60; n += 1) budget.start({ urgent: true })?.end();
    budget.shrink();
    await clock.advance(2_000);
    let calls = 0;
    while (budget.start({ urgent: true }) !== undefined) calls += 1;
    expect([calls, budget.callsPerMinute]).toEqual([42, 42]);
    expect(budget.roomInMs(1)).toBe(61_000);
  });

  it('counts a call for a minute after its answer, even if that took longer than a minute', async () => {
    const clock = new ManualClock();
    const budget = new CallBudget({ callsPerMinute: 120, clock });
    const call = budget.start({ urgent: true });
    await clock.advance(90_000);
    expect(budget.room).toBe(120);
    call?.end();
    expect(budget.room).toBe(119);
    await clock.advance(60_000);
    expect(budget.room).toBe(120);
  });
});
