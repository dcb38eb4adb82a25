import { describe, expect, it } from 'vitest';
import { parseRetryAfter } from '../../src/upstream/retry-after.ts';

const NOW = Date.UTC(2026, 0, 1, 12);

describe('parseRetryAfter', () => {
  it.each([
    ['30', 30_000],
    ['0', 0],
    ['1.5', 1_500],
    [' 7 ', 7_000],
    ['Thu, 01 Jan 2026 12:00:20 GMT', 20_000],
    ['Thu, 01 Jan 2026 11:00:00 GMT', 0],
    ['99999999999', 3_600_000],
  ])('reads %j', (header, waitMs) => {
    expect(parseRetryAfter(header, NOW)).toBe(waitMs);
  });

  it.each([null, '', 'soon', '-5x'])('reads nothing out of %j', (header) => {
    expect(parseRetryAfter(header, NOW)).toBeUndefined();
  });
});
