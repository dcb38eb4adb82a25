import { describe, expect, it } from 'vitest';
import { UpstreamGate } from '../../src/poller/gate.ts';

const FAILED = { kind: 'failed' } as const;
const GOOD = { kind: 'good' } as const;

describe('UpstreamGate', () => {
  it('begins with one call at a time, and opens up with a good answer', () => {
    const gate = new UpstreamGate();
    expect([gate.admits(0, 0), gate.admits(0, 1)]).toEqual([true, false]);
    gate.report(GOOD, 0);
    expect([gate.admits(0, 3), gate.admits(0, 4)]).toEqual([true, false]);
  });

  it('pauses after five failures in a row, not after four with a good one between', () => {
    const gate = new UpstreamGate({ name: 'serving', failuresInRow: 0 });
    for (let n = 0; n < 4; n += 1) gate.report(FAILED, 0);
    gate.report(GOOD, 0);
    for (let n = 0; n < 4; n += 1) gate.report(FAILED, 0);
    expect(gate.admits(0, 0)).toBe(true);
    gate.report(FAILED, 0);
    expect(gate.admits(0, 0)).toBe(false);
    expect(gate.refusalAt(500)).toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      retryAfterMs: 1_500,
    });
  });

  it('doubles the pause with each probe that fails, up to a minute', () => {
    const gate = new UpstreamGate({ name: 'serving', failuresInRow: 4 });
    const pauses: number[] = [];
    let now = 0;
    for (let n = 0; n < 8; n += 1) {
      const state = gate.report(FAILED, now);
      if (!('until' in state)) throw new Error(state.name);
      pauses.push((state.until - now) / 1_000);
      now = state.until;
      expect([gate.admits(now, 0), gate.admits(now, 1)]).toEqual([true, false]);
    }
    expect(pauses).toEqual([2, 2, 4, 8, 16, 32, 60, 60]);
  });

  it('heeds a Retry-After on a failure at once', () => {
    const gate = new UpstreamGate({ name: 'serving', failuresInRow: 0 });
    gate.report({ kind: 'failed', retryAfterMs: 20_000 }, 0);
    expect([gate.admits(19_999, 0), gate.admits(20_000, 0)]).toEqual([false, true]);
    // But not for an hour.
    gate.report({ kind: 'failed', retryAfterMs: 3_600_000 }, 20_000);
    expect([gate.admits(319_999, 0), gate.admits(320_000, 0)]).toEqual([false, true]);
  });

  it.each([
    [{ kind: 'throttled', retryAfterMs: undefined } as const, 15_000, 'UPSTREAM_THROTTLED'],
    [{ kind: 'throttled', retryAfterMs: 3_000 } as const, 3_000, 'UPSTREAM_THROTTLED'],
    [{ kind: 'refused' } as const, 900_000, 'UPSTREAM_REFUSED'],
  ])('after %o waits the whole time, whatever comes in late', (result, waitMs, code) => {
    const gate = new UpstreamGate({ name: 'serving', failuresInRow: 0 });
    gate.report(result, 0);
    gate.report(GOOD, 1);
    gate.report(FAILED, 2);
    gate.report({ kind: 'failed', retryAfterMs: 1 }, 2);
    gate.report({ kind: 'throttled', retryAfterMs: 1 }, 3);
    expect(gate.admits(waitMs - 1, 0)).toBe(false);
    expect(gate.refusalAt(0)).toMatchObject({ code, retryAfterMs: waitMs });
    expect([gate.admits(waitMs, 0), gate.admits(waitMs, 1)]).toEqual([true, false]);
  });

  it('waits longer when a second 429 says so', () => {
    const gate = new UpstreamGate({ name: 'serving', failuresInRow: 0 });
    gate.report({ kind: 'throttled', retryAfterMs: 3_000 }, 0);
    gate.report({ kind: 'throttled', retryAfterMs: 30_000 }, 1);
    expect([gate.admits(30_000, 0), gate.admits(30_001, 0)]).toEqual([false, true]);
  });

  it.each(['throttled', 'refused'] as const)(
    'pauses when the probe after a wait fails: %s',
    (name) => {
      const gate = new UpstreamGate({ name, until: 1_000 });
      gate.report(FAILED, 1_000);
      expect([gate.admits(2_999, 0), gate.admits(3_000, 0)]).toEqual([false, true]);
    },
  );

  it('takes a good answer for the end of an outage, though the pause is not over', () => {
    const gate = new UpstreamGate({ name: 'failing', until: 60_000, breakMs: 60_000 });
    gate.report(GOOD, 1_000);
    expect(gate.admits(1_000, 3)).toBe(true);
  });
});
