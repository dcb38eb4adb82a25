import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/core/ports.ts';
import { CallBudget } from '../../src/poller/budget.ts';
import { RateCeiling } from '../../src/poller/rate-ceiling.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const STEP_MS = 250;

class SteppedClock implements Clock {
  #now = Date.UTC(2026, 0, 1);
  readonly now = () => this.#now;
  readonly steady = this.now;

  step(): void {
    this.#now += STEP_MS;
  }

  after(): never {
    throw new Error('nobody waits here');
  }
}

const START = new SteppedClock().now();

/** Whether a call at `now` is allowed; counts it if so. */
type Limiter = (now: number) => boolean;

/** The ways in which an upstream may count by the minute; which one is used is not stated. */
const LIMITERS = {
  'a sliding window': (limit: number): Limiter => {
    const taken: number[] = [];
    return (now) => {
      while ((taken[0] ?? now) <= now - MINUTE_MS) taken.shift();
      return taken.length < limit && taken.push(now) > 0;
    };
  },
  'a window by the clock': (limit: number): Limiter => {
    let [minute, count] = [0, 0];
    return (now) => {
      if (Math.floor(now / MINUTE_MS) !== minute)
        [minute, count] = [Math.floor(now / MINUTE_MS), 0];
      count += 1;
      return count <= limit;
    };
  },
  'a token bucket': (limit: number): Limiter => {
    let [tokens, at] = [limit, 0];
    return (now) => {
      tokens = Math.min(limit, tokens + ((now - at) * limit) / MINUTE_MS);
      at = now;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    };
  },
} as const;

interface Run {
  readonly limiter: (now: number) => Limiter;
  readonly forMs: number;
  readonly budget?: CallBudget;
  readonly clock?: SteppedClock;
  readonly retryAfterMs?: number;
}

/** Calls whenever the budget allows; waits as told after a 429. Times are milliseconds since the start. */
function callAsOftenAsAllowed(run: Run) {
  const clock = run.clock ?? new SteppedClock();
  const budget = run.budget ?? new CallBudget({ callsPerMinute: 120, clock });
  const start = clock.now();
  const calls: number[] = [];
  const refused: number[] = [];
  for (let waitUntil = start; clock.now() < start + run.forMs; clock.step()) {
    while (clock.now() >= waitUntil && budget.start() !== undefined) {
      const now = clock.now();
      if (run.limiter(now)(now)) {
        calls.push(now - start);
        continue;
      }
      refused.push(now - start);
      budget.shrink();
      waitUntil = now + (run.retryAfterMs ?? 15_000);
    }
  }
  return { budget, clock, calls, refused };
}

function mostInTenMinutes(times: readonly number[], from: number): number {
  const late = times.filter((at) => at >= from);
  return Math.max(
    0,
    ...late.map((at) => late.filter((other) => other >= at && other < at + 10 * MINUTE_MS).length),
  );
}

describe('a limit that is lower than configured', () => {
  it.each(
    Object.entries(LIMITERS).flatMap(([name, limiter]) =>
      [12, 30, 60, 90, 110].map((limit) => ({ name, limiter, limit })),
    ),
  )('is found and held: $limit a minute by $name', ({ limiter, limit }) => {
    const upstream = limiter(limit);
    const { calls, refused } = callAsOftenAsAllowed({
      limiter: () => upstream,
      forMs: 4 * HOUR_MS,
    });
    expect(refused.length).toBeLessThanOrEqual(15);
    expect(refused.filter((at) => at < 20 * MINUTE_MS).length).toBeLessThanOrEqual(10);
    expect(mostInTenMinutes(refused, 20 * MINUTE_MS)).toBeLessThanOrEqual(1);
    expect(calls.length / (4 * 60)).toBeGreaterThan(0.92 * limit);
  });

  it('is held by whatever limit and wait, and 429s stay rare', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(LIMITERS)),
        fc.integer({ min: 12, max: 130 }),
        fc.integer({ min: 1_000, max: 60_000 }),
        (limiter, limit, retryAfterMs) => {
          const upstream = limiter(limit);
          const run = { limiter: () => upstream, forMs: 2 * HOUR_MS, retryAfterMs };
          const { refused } = callAsOftenAsAllowed(run);
          expect(mostInTenMinutes(refused, 30 * MINUTE_MS)).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 60, seed: 3 },
    );
  });

  it('is not forgotten by a restart', () => {
    const upstream = LIMITERS['a sliding window'](60);
    const limiter = () => upstream;
    const first = callAsOftenAsAllowed({ limiter, forMs: 12 * MINUTE_MS });
    expect(first.refused.length).toBeGreaterThan(0);
    const { clock } = first;
    const budget = new CallBudget({ callsPerMinute: 120, clock, note: first.budget.note });
    const second = callAsOftenAsAllowed({ limiter, clock, budget, forMs: 5 * MINUTE_MS });
    expect(second.refused).toEqual([]);
    expect(second.calls.length).toBeGreaterThan(5 * 50);
  });

  it('that is raised again is found within two hours', () => {
    const [low, high] = [LIMITERS['a sliding window'](60), LIMITERS['a sliding window'](120)];
    const limiter = (now: number) => (now < START + HOUR_MS ? low : high);
    const { budget } = callAsOftenAsAllowed({ limiter, forMs: 3 * HOUR_MS });
    expect(budget.callsPerMinute).toBe(120);
  });
});

it('a 429 after few calls, since others had spent the minute, costs a few minutes alone', () => {
  const othersUntil = START + 20_000;
  const { budget, calls, refused } = callAsOftenAsAllowed({
    limiter: () => (now) => now >= othersUntil,
    forMs: 5 * MINUTE_MS,
  });
  expect(refused.length).toBe(2);
  expect(budget.callsPerMinute).toBe(120);
  expect(calls.length).toBeGreaterThan(3 * 120);
});

it('a slip of the upstream is won back within ten minutes', () => {
  const slip = (now: number) => now - START !== 5 * MINUTE_MS;
  const { budget, refused } = callAsOftenAsAllowed({
    limiter: () => slip,
    forMs: 15 * MINUTE_MS,
  });
  expect(refused.length).toBeLessThanOrEqual(1);
  expect(budget.callsPerMinute).toBe(120);
});

it.each([0, 120])('some calls are made however many 429s come, with %i calls in use', (used) => {
  const ceiling = new RateCeiling(120);
  for (let hour = 1; hour < 50; hour += 1) ceiling.shrink(used, START + hour * HOUR_MS);
  expect(ceiling.calls).toBe(5);
});
