import { describe, expect, it } from 'vitest';
import { isSettled, nextSnapshot, type Snapshot, statusOf } from '../../src/core/topup.ts';
import { ORDER_ID, observation } from '../support/observations.ts';

const handling: Snapshot = { ...observation({ ref: 'a', amount: 1000 }), version: 1 };

const CREATED_AT = Number.parseInt(ORDER_ID.slice(0, 8), 16) * 1_000;

describe('statusOf', () => {
  it.each(['HANDLING', 'QUEUED', 'FULFILLED', 'REFUNDED'])('knows %s', (word) => {
    expect(statusOf(word)).toBe(word);
  });

  it.each(['VERIFYING', 'handling', '', 'constructor'])('calls %j unknown', (word) => {
    expect(statusOf(word)).toBe('UNKNOWN');
    expect(isSettled(word)).toBe(false);
  });
});

describe('nextSnapshot', () => {
  it('begins with version 1', () => {
    expect(nextSnapshot(undefined, observation())).toEqual({ ...observation(), version: 1 });
  });

  it.each([
    [20, null, CREATED_AT],
    [20, CREATED_AT + 7, CREATED_AT + 7],
    // No order is first seen so late: the id may be no time at all.
    [48 * 3_600, null, null],
  ])(
    'first seen %i s after the time in its id, and told to be of %s, is of %s',
    (seconds, createdAt, expected) => {
      const observedAt = CREATED_AT + seconds * 1_000;
      const first = nextSnapshot(undefined, observation({ observedAt, createdAt }));
      expect(first?.createdAt).toBe(expected);
    },
  );

  it('adds nothing where nothing changed, however late it was seen', () => {
    const later = observation({ ref: 'a', amount: 1000, observedAt: handling.observedAt + 60_000 });
    expect(nextSnapshot(handling, later)).toBeUndefined();
  });

  it('numbers a change of status', () => {
    const fulfilled = observation({ upstreamStatus: 'FULFILLED', cardCode: '123456789012' });
    expect(nextSnapshot(handling, fulfilled)).toMatchObject({
      version: 2,
      upstreamStatus: 'FULFILLED',
      cardCode: '123456789012',
    });
  });

  it('counts a change of one detail as a change', () => {
    expect(nextSnapshot(handling, observation({ ref: 'a', amount: 500 }))).toMatchObject({
      version: 2,
      amount: 500,
    });
  });

  const DETAILS = {
    ref: 'b',
    type: 'ADSL',
    number: '036362608',
    amount: 500,
    cardCode: '123456789012',
    transactionNumber: 'AT-1',
    processedAt: 2,
    refundMessage: 'sorry',
    createdAt: 1,
  };

  it.each(Object.entries(DETAILS))('takes over and keeps the %s', (name, value) => {
    const told = nextSnapshot(handling, observation({ [name]: value }));
    expect(told).toMatchObject({ version: 2, [name]: value });
    const later = nextSnapshot(told, observation({ upstreamStatus: 'REFUNDED' }));
    expect(later).toMatchObject({ version: 3, [name]: value });
    if (name === 'type') return;
    const anew = { ...handling, [name]: typeof value === 'number' ? 99 : 'else' };
    expect(nextSnapshot(anew, observation({ [name]: value }))).toMatchObject({ [name]: value });
  });

  it('adds nothing where calls have two words for a type, or one tells the creation to the second only', () => {
    const createdAt = CREATED_AT + 700;
    const known = { ...handling, type: '4G', createdAt };
    const otherwise = { type: '4GLTE', createdAt: CREATED_AT };
    expect(nextSnapshot(known, observation(otherwise))).toBeUndefined();
    const rounded = { createdAt: CREATED_AT + 1_000 };
    expect(nextSnapshot(known, observation(rounded))).toBeUndefined();
    const exact = nextSnapshot({ ...known, ...otherwise }, observation({ createdAt }));
    expect(exact).toMatchObject({ version: 2, type: '4GLTE', createdAt });
    const another = { createdAt: CREATED_AT + 2_000 };
    expect(nextSnapshot(known, observation(another))).toMatchObject({ version: 2, ...another });
  });

  it('carries forward what the upstream leaves out', () => {
    expect(nextSnapshot(handling, observation())).toBeUndefined();
    expect(nextSnapshot(handling, observation({ upstreamStatus: 'QUEUED' }))).toMatchObject({
      version: 2,
      ref: 'a',
      amount: 1000,
    });
  });

  it.each(['FULFILLED', 'REFUNDED'])('adds nothing after %s', (final) => {
    const settled = { ...handling, upstreamStatus: final };
    expect(nextSnapshot(settled, observation({ upstreamStatus: 'HANDLING' }))).toBeUndefined();
    expect(nextSnapshot(settled, observation({ upstreamStatus: 'REFUNDED' }))).toBeUndefined();
  });
});
