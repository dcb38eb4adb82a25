import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SettlingTimes } from '../../src/core/settling.ts';
import { Worth } from '../../src/core/worth.ts';
import {
  ageAt,
  asStated,
  callsOfLoop,
  costOfRule,
  type Lifetimes,
  lifetimes,
} from '../support/hostile/lifetimes.ts';
import { runs } from '../support/hostile/runs.ts';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600 * SECOND_MS;

/** Spreads parts evenly however many there are, and not in the order of their size. */
const GOLDEN_PART = 0.618_034;

/** Costs are exact, but where an order takes a call or two, halves of one count. */
const ABOUT_EQUAL = 1.08;
/** The rule knows old ages by bins of minutes, within which it takes the hazard to be even. */
const BUT_FOR_ITS_BINS = 1.2;
/** With few seen, what the upstream states still counts, true or not, and chance does. */
const EARLY = 1.4;

interface Case {
  readonly kind: Lifetimes;
  /** How many orders of this kind the rule has learned from. */
  readonly seen: number;
  readonly priceMs: number;
  readonly mostMs: number;
}

/** What a call must be worth: the gateway's own price is 5 ms, and grows where calls are short. */
const prices = fc.integer({ min: 5, max: 2_000 });
const longest = fc.constantFrom(60 * SECOND_MS, HOUR_MS);

function cases(
  kind: fc.Arbitrary<Lifetimes>,
  seen: { readonly min: number; readonly max: number },
) {
  return fc
    .record({ kind, seen: fc.integer(seen), priceMs: prices, mostMs: longest })
    .map((each) => Object.assign(each, { [fc.toStringMethod]: () => nameOf(each) }));
}

function nameOf({ kind, seen, priceMs, mostMs }: Case): string {
  return `${kind.name}; ${seen} seen, price ${priceMs} ms, ${mostMs} ms at the most`;
}

function learned({ kind, seen }: Case): SettlingTimes {
  const times = new SettlingTimes();
  for (let n = 1; n <= seen; n += 1) times.add(ageAt(kind, (n * GOLDEN_PART) % 1));
  return times;
}

/** Expects so many times the calls of a loop of equal lag at the most. */
function expectFewCalls(each: Case, most: number): void {
  const { kind, priceMs, mostMs } = each;
  const times = learned(each);
  const { calls, lagMs } = costOfRule(kind, (ageMs) =>
    times.delayMs({ ageMs, priceMs, leastMs: SECOND_MS, mostMs }),
  );
  const looped = callsOfLoop(kind, lagMs);
  const what = `${calls} calls for a mean lag of ${lagMs} ms, for which a loop makes ${looped}`;
  expect(calls / looped, what).toBeLessThanOrEqual(most);
}

describe('the learned rule asks no more than a loop of equal lag', () => {
  it('whatever the distribution, once 200 orders were seen, as far as its bins can tell', () => {
    fc.assert(
      fc.property(cases(lifetimes(), { min: 200, max: 5_000 }), (each) =>
        expectFewCalls(each, BUT_FOR_ITS_BINS),
      ),
      runs(100),
    );
  });

  it('from the first order on, where orders take what the upstream states', () => {
    fc.assert(
      fc.property(cases(fc.constant(asStated()), { min: 0, max: 5_000 }), (each) =>
        expectFewCalls(each, ABOUT_EQUAL),
      ),
      runs(50),
    );
  });

  it('but for two fifths, once as many orders were seen as what is stated weighs: 20', () => {
    fc.assert(
      fc.property(cases(lifetimes(), { min: 20, max: 200 }), (each) => expectFewCalls(each, EARLY)),
      runs(100),
    );
  });
});

/** When a check is worth the price, by the index or by the lag that it ends, found in steps of a second. */
function delayOfIndex(each: Case): (ageMs: number) => number {
  const times = learned(each);
  const worth = new Worth(times);
  return (checkedMs) => {
    let delayMs = SECOND_MS;
    const worthMs = () =>
      Math.max(
        worth.priceMs({ checkedMs, ageMs: checkedMs + delayMs }),
        times.expectedLagMs({ ageMs: checkedMs, delayMs }),
      );
    while (delayMs < each.mostMs && worthMs() < each.priceMs) delayMs += SECOND_MS;
    return delayMs;
  };
}

function expectFewCallsOfIndex(each: Case, most: number): void {
  const { calls, lagMs } = costOfRule(each.kind, delayOfIndex(each));
  const looped = callsOfLoop(each.kind, lagMs);
  const what = `${calls} calls for a mean lag of ${lagMs} ms, for which a loop makes ${looped}`;
  expect(calls / looped, what).toBeLessThanOrEqual(most);
}

describe('the index of a check asks no more than a loop of equal lag', () => {
  const few = fc.constant(60 * SECOND_MS);
  const short = (kind: fc.Arbitrary<Lifetimes>, seen: { min: number; max: number }) =>
    fc.tuple(cases(kind, seen), few).map(([each, mostMs]) => ({ ...each, mostMs }));

  it('whatever the distribution, once 200 orders were seen, as far as its bins can tell', () => {
    fc.assert(
      fc.property(short(lifetimes(), { min: 200, max: 2_000 }), (each) =>
        expectFewCallsOfIndex(each, BUT_FOR_ITS_BINS),
      ),
      runs(40),
    );
  });

  it('from the first order on, where orders take what the upstream states', () => {
    fc.assert(
      fc.property(short(fc.constant(asStated()), { min: 0, max: 2_000 }), (each) =>
        expectFewCallsOfIndex(each, ABOUT_EQUAL),
      ),
      runs(20),
    );
  });
});
