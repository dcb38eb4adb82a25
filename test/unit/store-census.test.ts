import { describe, expect, it } from 'vitest';
import type { Census } from '../../src/core/store.ts';
import { sparingCensus } from '../../src/store/sparing-census.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** A store that counts how often it was asked, and takes its time. */
function slowStore(clock: ManualClock, takesMs: number) {
  const asked: number[] = [];
  return {
    asked,
    async census({ overdueBefore }: { readonly overdueBefore: number }): Promise<Census> {
      asked.push(overdueBefore);
      await clock.advance(takesMs);
      return {
        tracked: { HANDLING: asked.length, QUEUED: 0, UNKNOWN: 0 },
        overdue: 0,
        abandoned: 0,
      };
    },
  };
}

function start(takesMs: number) {
  const clock = new ManualClock();
  const store = slowStore(clock, takesMs);
  const census = sparingCensus(store, clock);
  return { clock, store, handling: async () => (await census()).tracked.HANDLING };
}

describe('a sparing census', () => {
  it('is new each time where counting costs nothing', async () => {
    const { handling, store, clock } = start(0);
    expect([await handling(), await handling()]).toEqual([1, 2]);
    expect(store.asked).toEqual([clock.now() - 300_000, clock.now() - 300_000]);
  });

  it('stands for fifty times as long as it took', async () => {
    const { handling, clock } = start(10);
    expect(await handling()).toBe(1);
    await clock.advance(499);
    expect(await handling()).toBe(1);
    await clock.advance(1);
    expect(await handling()).toBe(2);
  });

  it('stands for a second at most', async () => {
    const { handling, clock } = start(5_000);
    expect(await handling()).toBe(1);
    await clock.advance(999);
    expect(await handling()).toBe(1);
    await clock.advance(1);
    expect(await handling()).toBe(2);
  });

  it('is shared by those who ask while it is made', async () => {
    const { handling, store } = start(10);
    expect(await Promise.all([handling(), handling(), handling()])).toEqual([1, 1, 1]);
    expect(store.asked).toHaveLength(1);
  });

  it('tells a fault, and counts again', async () => {
    const { clock, store } = start(10);
    let faults = 1;
    const faulty: typeof store.census = async (query) => {
      await clock.advance(10);
      faults -= 1;
      if (faults >= 0) throw new Error('no disk');
      return store.census(query);
    };
    const census = sparingCensus({ census: faulty }, clock);
    await expect(census()).rejects.toThrow('no disk');
    expect((await census()).tracked.HANDLING).toBe(1);
  });
});
