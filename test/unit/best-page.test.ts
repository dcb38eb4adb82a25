import { describe, expect, it } from 'vitest';
import { bestPage, type Covered } from '../../src/poller/best-page.ts';

const order = { latest: {} } as Covered['order'];

function seen(createdAt: number, worth = 1): Covered {
  return { orderId: `seen-${createdAt}`, createdAt, gainMs: 0, worth, order };
}

function unseen(createdAt: number, n = 0): Covered {
  return { orderId: `unseen-${createdAt}-${n}`, createdAt, gainMs: 0, worth: 1, order: undefined };
}

function best(coverable: readonly Covered[], known: readonly number[], rows: number) {
  const page = bestPage(coverable, { known, rows, worthOf: ({ worth }) => worth });
  return page && { ...page, covered: page.covered.map(({ orderId }) => orderId) };
}

describe('the best page', () => {
  it('is none where there is nothing to show', () => {
    expect(best([], [5], 10)).toBeUndefined();
  });

  it('is that of the neighbours that are worth most, not that of the most neighbours', () => {
    const coverable = [seen(1_001, 5), seen(2_001), seen(3_001), seen(4_001)];
    const known = coverable.map(({ createdAt }) => createdAt);
    expect(best(coverable, known, 2)?.covered).toEqual(['seen-1001', 'seen-2001']);
  });

  it('has room for the rows of settled orders, too', () => {
    const coverable = [seen(1_001), seen(2_001), seen(5_001)];
    const known = [1_001, 1_500, 1_700, 2_001, 5_001];
    expect(best(coverable, known, 3)?.covered).toEqual(['seen-2001', 'seen-5001']);
    expect(best(coverable, known, 4)?.covered).toEqual(['seen-1001', 'seen-2001']);
  });

  it('shows all of a second in which an order was created that nobody has seen', () => {
    const coverable = [unseen(4_000), seen(6_001)];
    expect(best(coverable, [4_300, 4_700, 6_001], 4)).toEqual({
      from: 3_999,
      to: 6_002,
      covered: ['unseen-4000-0', 'seen-6001'],
    });
    // Three rows are within its second already.
    expect(best(coverable, [4_300, 4_700, 6_001], 3)).toEqual({
      from: 3_999,
      to: 4_999,
      covered: ['unseen-4000-0'],
    });
  });

  it('holds no more of the unseen than there are rows', () => {
    const coverable = [unseen(4_000, 0), unseen(4_000, 1), unseen(5_000, 0), unseen(5_000, 1)];
    expect(best(coverable, [], 3)?.to).toBe(4_999);
    expect(best(coverable, [], 4)?.to).toBe(5_999);
  });
});
