import { describe, expect, it } from 'vitest';
import { parseRetryAfter } from '../../src/upstream/retry-after.ts';

const NOW = Date.UTC(2026, 0, 1, 12);

describe('parseRetryAfter', () => {
  it.each([
    ['30', 30_000],
    ['0', 1_000],
    ['1.5', 1_500],
    [' 7 ', 7_000],
    ['Thu, 01 Jan 2026 12:00:20 GMT', 20_000],
    ['Thu, 01 Jan 2026 12:00:00 GMT', 1_000],
    ['Thu, 01 Jan 2026 11:00:00 GMT', 1_000],
    ['99999999999', 3_600_000],
  ])('reads %j', (header, waitMs) => {
    expect(parseRetryAfter(header, { sentAt: null, now: NOW })).toBe(waitMs);
  });

  it.each([
    ['Thu, 01 Jan 2026 13:00:00 GMT', 20_000],
    ['Thursday, 01-Jan-26 13:00:00 GMT', 20_000],
    ['some day', 3_600_000],
    [null, 3_600_000],
  ])('counts a date from when the response was sent, here %j', (sentAt, waitMs) => {
    const header = 'Thu, 01 Jan 2026 13:00:20 GMT';
    expect(parseRetryAfter(header, { sentAt, now: NOW })).toBe(waitMs);
  });

  it.each([null, '', 'soon', '-5x', '-5', '+5', '7, 7'])('reads nothing out of %j', (header) => {
    expect(parseRetryAfter(header, { sentAt: null, now: NOW })).toBeUndefined();
  });
});
