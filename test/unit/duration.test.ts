import { expect, it } from 'vitest';
import { parseDuration } from '../../src/commands/duration.ts';

it.each([
  ['90s', 90_000],
  ['10m', 600_000],
  ['12h', 43_200_000],
  ['90d', 7_776_000_000],
])('a time of %s is %i ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

it.each(['', '10', 'm', '0m', '-1m', '1.5h', '10 m', '1w', '1d12h', '90days'])(
  '%j is no time',
  (text) => {
    expect(() => parseDuration(text)).toThrow(
      `expected a time such as 90s, 10m, 12h or 90d; got ${JSON.stringify(text)}`,
    );
  },
);
