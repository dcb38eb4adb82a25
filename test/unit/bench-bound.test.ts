import { describe, expect, it } from 'vitest';
import { type Bound, blindBound, callsPerOrder, lowerBound } from '../../bench/polling/bound.ts';
import {
  drawOrders,
  evenCalls,
  evenRounds,
  type IdealOrder,
  idealCycle,
  lateOnesLast,
} from '../../bench/polling/ideal.ts';
import { leastMeanOfRun, type RunArrivals } from '../../bench/polling/run-bound.ts';
import { cheapest, gridOf, lagLoss, lateLoss } from '../../bench/polling/schedule.ts';
import {
  arrivals,
  drawLife,
  HANDLED_PART,
  ordersPerMs,
  settlements,
} from '../../bench/polling/workload.ts';
import type { Random } from '../../src/core/ports.ts';
import { createRandom } from '../../src/simulator/random.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const CALL_EVERY_MS = 500;
const HOME_MS = 100;

/** Quick, and a little lower than the bound of the bench. */
const COARSE = { stepMs: 100, drawnStepMs: 200, drawsForPrice: 3, drawsForBound: 15 };

/** Life times of orders that are not queued. */
function drawLives(count: number, random: Random): readonly number[] {
  return Array.from({ length: count }, () => drawLife(random))
    .filter(({ isQueued }) => !isQueued)
    .map(({ ms }) => ms);
}

function meanOf(lagsMs: readonly number[]): number {
  return lagsMs.reduce((sum, lag) => sum + lag, 0) / lagsMs.length;
}

function p95Of(lagsMs: readonly number[]): number {
  return percentileOf(lagsMs, 0.95);
}

function p99Of(lagsMs: readonly number[]): number {
  return percentileOf(lagsMs, 0.99);
}

function percentileOf(lagsMs: readonly number[], part: number): number {
  return sorted(lagsMs)[Math.floor(lagsMs.length * part)] ?? Number.NaN;
}

/** That lags are above a bound, and not so far above that it would say nothing. */
function expectJustAbove(lagsMs: readonly number[], bound: Bound | undefined, times = 1.8): void {
  const { meanMs, p95Ms } = bound ?? { meanMs: Number.NaN, p95Ms: Number.NaN };
  expect(meanOf(lagsMs)).toBeGreaterThan(meanMs);
  expect(meanOf(lagsMs)).toBeLessThan(times * meanMs);
  expect(p95Of(lagsMs)).toBeGreaterThan(p95Ms);
  expect(p95Of(lagsMs)).toBeLessThan(times * p95Ms);
}

describe('the lower bound', () => {
  it('is not beaten by single checks at equal distances, and by the best of them only just missed', () => {
    const calls = callsPerOrder(10);
    const lives = drawLives(10_000, createRandom(1));
    // Checks at 3 s + d, + 2d and so on to 45 s, then one at the end of the slow orders.
    const distances = Array.from({ length: 200 }, (_, n) => SECOND_MS + n * 100);
    // One after the other, until one is found.
    const runs = distances.values().map((distance) => {
      const lags: number[] = [];
      let sum = 0;
      for (const life of lives) {
        const looks = Math.ceil((Math.min(life, 45_000) - 3_000) / distance);
        const most = Math.ceil(42_000 / distance);
        const isSlow = life > 3_000 + most * distance;
        lags.push(HOME_MS + (isSlow ? 0 : 3_000 + looks * distance - life));
        sum += isSlow ? most + 1 : looks;
      }
      return { lags, calls: sum / lives.length };
    });
    const affordable = runs.find((run) => run.calls <= calls);
    expectJustAbove(
      affordable?.lags ?? [],
      lowerBound({ list: 'unusable', inProgress: 10 }, COARSE),
    );
  });

  it('is not beaten by sweeps over all that is in progress, where each then costs a call, even at no wait', () => {
    const bound = lowerBound({ list: 'without cards', inProgress: 40 }, COARSE);
    // What the budget leaves for sweeps once each order has had its own call.
    const perMs = 1 / CALL_EVERY_MS - ordersPerMs(40) * HANDLED_PART;
    const random = createRandom(2);
    // The slow ones are looked at when they end.
    const lags = drawLives(10_000, random).map((life) => {
      const lag = life > 45_000 ? 0 : random() / perMs;
      return lag + 3 * HOME_MS;
    });
    expectJustAbove(lags, bound);
  });

  it('is not beaten by pages that go round and round through all that may be in progress', () => {
    const random = createRandom(3);
    const orders = drawOrders(400, 20 * 60_000, random);
    const lags: number[] = [];
    const seen = new Set<IdealOrder>();
    let next = 0;
    for (let now = 60_000; now < 20 * 60_000; now += CALL_EVERY_MS) {
      const oldest = firstAfter(orders, now - 47_000);
      const youngest = firstAfter(orders, now - 3_000);
      if (next >= youngest || next < oldest) next = oldest;
      for (const order of orders.slice(next, next + 100)) {
        if (order.settlesAt > now || seen.has(order)) continue;
        seen.add(order);
        lags.push(now - order.settlesAt + HOME_MS);
      }
      next += 100;
    }
    expectJustAbove(lags, lowerBound({ list: 'with cards', inProgress: 400 }, COARSE));
  });

  it('is not beaten where pages are short, and slow orders are found on the fewest pages that hold them', () => {
    const bound = lowerBound({ list: 'with cards', inProgress: 1_000 }, COARSE);
    expectJustAbove(evenRounds(1_000, 120), bound, 2.1);
  });

  // Rounds are blind: what earlier pages showed makes no difference to them.
  it.each([1_000, 2_000])('of blind pages is only just missed by even rounds: %i', (inProgress) => {
    const bound = blindBound({ list: 'with cards', inProgress });
    expectJustAbove(evenRounds(inProgress, 120), bound, 1.08);
  });

  it('says nothing of blind pages where a page may reach from slow orders to young ones', () => {
    expect(blindBound({ list: 'with cards', inProgress: 1 })).toBeUndefined();
    expect(blindBound({ list: 'without cards', inProgress: 1_000 })).toBeUndefined();
  });

  it('is infinite where there are fewer calls than orders that need one each', () => {
    expect(lowerBound({ list: 'unusable', inProgress: 100 }, COARSE).meanMs).toBe(
      Number.POSITIVE_INFINITY,
    );
    expect(lowerBound({ list: 'without cards', inProgress: 50 }, COARSE).p95Ms).toBe(
      Number.POSITIVE_INFINITY,
    );
  });
});

describe('the ideal cycle', () => {
  const random = createRandom(5);
  const hours = { from: 0, until: 5 * 60 * MINUTE_MS };
  const settledAt = settlements([...arrivals({ inProgress: 40, ...hours, random })]);
  const ideal = sorted(idealCycle(settledAt));

  it.each([0.02, 0.08, 0.15])(
    'has the least lags of all that fetch the oldest card first: lists at random, %d of the calls',
    (lists) => {
      const drawn = createRandom(8);
      const lags = sorted(
        evenCalls(settledAt, (known) => (known.length > 0 && drawn() >= lists ? 0 : undefined)),
      );
      expect(lags).toHaveLength(ideal.length);
      const shorter = lags.filter((lag, rank) => lag < (ideal[rank] ?? Number.NaN));
      expect(shorter).toEqual([]);
    },
  );

  it('has the least mean, whichever card comes first', () => {
    const youngest = evenCalls(settledAt, (known) =>
      known.length > 0 ? known.length - 1 : undefined,
    );
    expect(meanOf(youngest)).toBeCloseTo(meanOf(ideal), 6);
  });

  it('would reach six seconds at 95 % only if others waited for the better part of a minute', () => {
    const others = sorted(lateOnesLast(settledAt, { inTimeMs: 6_000 }));
    expect(p95Of(others)).toBeLessThan(6_000);
    expect(meanOf(others)).toBeGreaterThan(1.1 * meanOf(ideal));
    expect(p99Of(others)).toBeGreaterThan(45_000);
    expect(p99Of(ideal)).toBeLessThan(13_000);
  });

  it('would not reach them at all if other orders needed three calls a minute', () => {
    const others = lateOnesLast(settledAt, { inTimeMs: 6_000, callsPerMinute: 115 });
    expect(p95Of(others)).toBeGreaterThan(12_000);
  });
});

function sorted(lagsMs: readonly number[]): readonly number[] {
  return [...lagsMs].sort((a, b) => a - b);
}

function firstAfter(orders: readonly IdealOrder[], createdAt: number): number {
  let [low, high] = [0, orders.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((orders[middle]?.createdAt ?? createdAt) > createdAt) high = middle;
    else low = middle + 1;
  }
  return low;
}

describe('the lower bound for the arrivals of one run', () => {
  const QUICK = { searchStepMs: 500, stepMs: 100, searchSteps: 10 };
  const minutes = (count: number) => count * 60 * SECOND_MS;
  const drawArrivals = (perMinute: number, seed: number): readonly number[] => {
    const random = createRandom(seed);
    const at = Array.from({ length: perMinute * 5 }, () => minutes(5) * random());
    return at.sort((one, other) => one - other);
  };

  it.each([1, 2, 3])(
    'is not beaten by a call each half second for whoever has waited longest: seed %i',
    (seed) => {
      const run = { at: drawArrivals(25, seed), untilMs: minutes(20) };
      const lags = Array.from({ length: 8 }, (_, lives) =>
        lagsInTurn(run, createRandom(100 + lives)),
      );
      const leastMs = leastMeanOfRun(run, QUICK);
      expect(meanOf(lags.flat())).toBeGreaterThan(leastMs);
      expect(meanOf(lags.flat())).toBeLessThan(2 * leastMs);
    },
  );

  it('knows of busy minutes', () => {
    const even = { at: drawArrivals(25, 4), untilMs: minutes(20) };
    // The same orders, in a fifth of the time.
    const crowded = { ...even, at: even.at.map((at) => at / 5) };
    const patient = { ...QUICK, searchSteps: 30 };
    expect(leastMeanOfRun(crowded, patient)).toBeGreaterThan(2 * leastMeanOfRun(even, patient));
  });

  it('is no more than a wait for the log where calls are plenty', () => {
    const run = { at: drawArrivals(1, 5), untilMs: minutes(20) };
    expect(leastMeanOfRun(run, QUICK)).toBeCloseTo(HOME_MS + 490 - QUICK.stepMs, -1);
  });
});

/** Lags where each half second the order is asked that was not for longest, from 3 s on and a second apart. */
function lagsInTurn({ at, untilMs }: RunArrivals, random: Random): readonly number[] {
  const open = at.map((createdAt) => ({
    createdAt,
    askedAt: createdAt + 2 * SECOND_MS,
    ...drawLife(random),
  }));
  const lags: number[] = [];
  for (let now = 0; now < untilMs; now += CALL_EVERY_MS) {
    const due = open.filter((order) => order.askedAt + SECOND_MS <= now);
    if (due.length === 0) continue;
    const next = due.reduce((one, other) => (other.askedAt < one.askedAt ? other : one));
    next.askedAt = now;
    const lagMs = now - next.createdAt - next.ms;
    if (next.isQueued || lagMs >= 0) open.splice(open.indexOf(next), 1);
    if (!next.isQueued && lagMs >= 0) lags.push(HOME_MS + lagMs);
  }
  return lags;
}

describe('the cheapest schedule', () => {
  const grid = gridOf(100);
  const single = (loss: ReturnType<typeof lagLoss>) => ({
    loss,
    calls: grid.agesMs.map(() => 1),
  });

  it('costs no more than any schedule off its grid, but for one step', () => {
    const random = createRandom(4);
    const lives = drawLives(4_000, random);
    for (let trial = 0; trial < 60; trial += 1) {
      const ages = drawAges(random);
      const price = 10 ** (5 * random());
      const cost = meanOf(lives.map((life) => lagAt(ages, life) + price * missesAt(ages, life)));
      const late = meanOf(lives.map((life) => (lagAt(ages, life) > 2_000 ? 1 : 0)));
      const misses = meanOf(lives.map((life) => missesAt(ages, life)));
      const least = cheapest({ grid, looks: [single(lagLoss(grid, 0))], apart: 10, price });
      // The lives are a sample: a part in thirty for its luck.
      expect(least.loss + price * least.calls - 100).toBeLessThan(cost * 1.03);
      const limit = 2_000 / grid.stepMs + 1;
      const leastLate = cheapest({
        grid,
        looks: [single(lateLoss(grid, limit))],
        apart: 10,
        price: price / 1e5,
      });
      const lateCost = late + (price / 1e5) * misses;
      expect(leastLate.loss + (price / 1e5) * leastLate.calls).toBeLessThan(lateCost * 1.03 + 0.01);
    }
  });

  it('looks every second where calls cost nothing', () => {
    const free = cheapest({ grid, looks: [single(lagLoss(grid, 0))], apart: 10, price: 0 });
    const settledInTime = 1 - 0.02 / 0.97;
    expect(free.loss).toBeCloseTo(500 * settledInTime, 3);
  });
});

/** Looks a second apart or more, the last at the end of the slow orders. */
function drawAges(random: Random): readonly number[] {
  const ages: number[] = [];
  const spreadMs = 20_000 * random();
  let age = 50_000 * random() ** 2;
  while (age < 60_000) {
    ages.push(age);
    age += SECOND_MS + spreadMs * random();
  }
  return [...ages, 600_000];
}

function lagAt(ages: readonly number[], life: number): number {
  return (ages.find((age) => age >= life) ?? Number.NaN) - life;
}

function missesAt(ages: readonly number[], life: number): number {
  return ages.filter((age) => age < life).length;
}
