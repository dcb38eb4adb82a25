import { describe, expect, test } from 'vitest';
import { moment, readStamp, stampOf } from '../../bench/speed/messages.ts';
import { summaryOf } from '../../bench/speed/profile-summary.ts';
import { idOf, indexOf } from '../../bench/speed/rows.ts';
import { selectionFrom } from '../../bench/speed/selection.ts';
import { percentile, ratios, spreadOf } from '../../bench/speed/statistics.ts';

describe('the statistics of the speed bench', () => {
  test('a percentile lies between two values where none is at its place', () => {
    expect(percentile([4, 1, 3, 2], 50)).toBe(2.5);
    expect(percentile([10, 30, 20], 50)).toBe(20);
    expect(percentile([0, 100], 99)).toBe(99);
    expect(percentile([], 50)).toBeNaN();
  });

  test('a spread is the median between the least and the most', () => {
    expect(spreadOf([9, 2, 5])).toEqual({ median: 5, least: 2, most: 9 });
  });

  test('ratios are taken round by round, as far as both have rounds', () => {
    expect(ratios([2, 9, 4], [1, 3])).toEqual([2, 3]);
  });
});

describe('what the speed bench sends around', () => {
  test('a stamp is found again in a message, with its event and its moment', () => {
    const before = moment();
    const stamp = readStamp(JSON.stringify({ payload: { data: { ref: stampOf(7) } } }));
    expect(stamp?.sequence).toBe(7);
    expect(stamp?.at).toBeGreaterThanOrEqual(Math.floor(before));
    expect(stamp?.at).toBeLessThanOrEqual(Math.ceil(moment()));
    expect(readStamp('{"ref":"shop-order-7"}')).toBeUndefined();
  });

  test('an id tells its index', () => {
    expect(idOf(5_000_000)).toMatch(/^[0-9a-f]{24}$/);
    expect(indexOf(idOf(5_000_000))).toBe(5_000_000);
  });
});

describe('the choice of scenarios', () => {
  test('only what has rounds enough goes into the results', () => {
    expect(selectionFrom([]).isKept).toBe(true);
    expect(selectionFrom(['--rounds', '4']).isKept).toBe(false);
    expect(selectionFrom(['cached'])).toMatchObject({ scenarios: ['cached'], isKept: true });
  });

  test('what is no scenario and what is no number is refused', () => {
    expect(() => selectionFrom(['warm'])).toThrow(/scenarios are cached, uncached/);
    expect(() => selectionFrom(['--rounds', '1.5'])).toThrow(/whole number above 0/);
  });
});

test('a profile is summed up by package, by folder and by native call, without the time that was idle', () => {
  const frame = (id: number, functionName: string, url: string) => ({
    id,
    callFrame: { functionName, url, lineNumber: 1 },
  });
  const profile = {
    nodes: [
      frame(1, '(idle)', ''),
      frame(2, 'execute', 'file:///p/node_modules/graphql-yoga/node_modules/@a/executor/x.js'),
      frame(3, 'follow', 'file:///p/src/feed/feed.ts'),
      frame(4, 'writev', ''),
    ],
    samples: [1, 2, 3, 2, 4],
    timeDeltas: [9_000, 3_000, 2_000, 3_000, 2_000],
  };
  expect(summaryOf(profile)).toEqual({
    busyMs: 10,
    packages: [
      { name: '@a/executor', part: 0.6 },
      { name: 'src/feed', part: 0.2 },
      { name: 'writev', part: 0.2 },
    ],
    functions: [
      { name: 'execute, @a/executor', part: 0.6 },
      { name: 'follow, src/feed', part: 0.2 },
      { name: 'writev, writev', part: 0.2 },
    ],
  });
});
