import { describe, expect, it } from 'vitest';
import { isSettled, nextSnapshot, type Snapshot, statusOf } from '../../src/core/topup.ts';
import { observation } from '../support/observations.ts';

const handling: Snapshot = { ...observation({ ref: 'a', amount: 1000 }), version: 1 };

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
