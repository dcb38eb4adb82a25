import { describe, expect, it } from 'vitest';
import { TokenBuckets } from '../../src/limits/token-buckets.ts';
import { ManualClock } from '../support/manual-clock.ts';

const CAPACITY = 4;
const MS_PER_TOKEN = 2_000;

function open() {
  const clock = new ManualClock();
  const perSecond = 1_000 / MS_PER_TOKEN;
  const buckets = new TokenBuckets({ clock, capacity: CAPACITY, perSecond });
  const takeAll = (key: string) => Array.from({ length: CAPACITY }, () => buckets.take(key));
  return { clock, buckets, takeAll };
}

const NO_WAIT = Array(CAPACITY).fill(0);

describe('a bucket', () => {
  it('is full at first, and is refilled a token at a time', async () => {
    const { clock, buckets, takeAll } = open();
    expect(takeAll('a')).toEqual(NO_WAIT);
    expect(buckets.take('a')).toBe(MS_PER_TOKEN);
    await clock.advance(MS_PER_TOKEN - 1);
    // Having asked in vain costs nothing.
    expect(buckets.take('a')).toBe(1);
    await clock.advance(1);
    expect([buckets.take('a'), buckets.take('a')]).toEqual([0, MS_PER_TOKEN]);
  });

  it('holds no more for having waited longer', async () => {
    const { clock, buckets, takeAll } = open();
    buckets.take('a');
    await clock.advance(1_000 * MS_PER_TOKEN);
    expect(takeAll('a')).toEqual(NO_WAIT);
    expect(buckets.take('a')).toBe(MS_PER_TOKEN);
  });

  it('is one for each key', () => {
    const { buckets, takeAll } = open();
    takeAll('a');
    expect(takeAll('b')).toEqual(NO_WAIT);
    expect(buckets.take('a')).toBe(MS_PER_TOKEN);
  });

  it('is not refilled by setting the clock of the machine', () => {
    const { clock, buckets, takeAll } = open();
    takeAll('a');
    clock.set(1_000 * MS_PER_TOKEN);
    expect(buckets.take('a')).toBe(MS_PER_TOKEN);
  });

  it('is charged what it holds, and then a debt of one whole bucket at most', () => {
    const { buckets } = open();
    buckets.charge('a', CAPACITY - 1);
    expect([buckets.take('a'), buckets.take('a')]).toEqual([0, MS_PER_TOKEN]);
    buckets.charge('a', 1);
    expect(buckets.take('a')).toBe(2 * MS_PER_TOKEN);
    buckets.charge('a', 1_000);
    expect(buckets.take('a')).toBe((CAPACITY + 1) * MS_PER_TOKEN);
  });

  it('is kept while it is used, however many others come; of those, the last ten thousand are', () => {
    const { buckets, takeAll } = open();
    takeAll('in use');
    takeAll('another 0');
    for (let n = 1; n < 30_000; n += 1) {
      takeAll(`another ${n}`);
      if (n % 5_000 === 0) expect(buckets.take('in use')).toBe(MS_PER_TOKEN);
    }
    expect(buckets.take('another 20100')).toBe(MS_PER_TOKEN);
    expect(buckets.take('another 19900')).toBe(0);
  });
});
