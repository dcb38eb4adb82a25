import { describe, expect, it } from 'vitest';
import { UpstreamGate } from '../../src/poller/gate.ts';

const FAILED = { kind: 'failed' } as const;
const GOOD = { kind: 'good' } as const;

/** Whether one more call may start beside so many that have just started. */
function admits(gate: UpstreamGate, now: number, inFlight: number): boolean {
  return gate.placeInMs(now, Array(inFlight).fill(now)) === 0;
}

describe('UpstreamGate', () => {
  it('begins with one call at a time, and opens up with a good answer', () => {
    const gate = new UpstreamGate();
    expect([admits(gate, 0, 0), admits(gate, 0, 1)]).toEqual([true, false]);
    gate.report(GOOD, 0);
    expect([admits(gate, 0, 3), admits(gate, 0, 4)]).toEqual([true, false]);
  });

  it('has four calls at most that may yet be refused, and twenty in flight', () => {
    const gate = new UpstreamGate({ name: 'serving', failuresInRow: 0 });
    const spreadOver = (calls: number, ms: number) =>
      Array.from({ length: calls }, (_, index) => (index * ms) / calls);
    expect(gate.placeInMs(2_000, spreadOver(4, 2_000))).toBe(0);
    expect(gate.placeInMs(1_600, spreadOver(4, 2_000))).toBe(400);
    expect(gate.placeInMs(9_500, spreadOver(19, 9_500))).toBe(0);
    expect(gate.placeInMs(10_000, spreadOver(20, 10_000))).toBe(Number.POSITIVE_INFINITY);
  });

  it('pauses after five failures in a row, not after four with a good one between', () => {
    const gate = new UpstreamGate({ name: 'serving', failuresInRow: 0 });
    for (let n = 0; n < 4; n += 1) gate.report(FAILED, 0);
    gate.report(GOOD, 0);
    for (let n = 0; n < 4; n += 1) gate.report(FAILED, 0);
    expect(admits(gate, 0, 0)).toBe(true);
    gate.report(FAILED, 0);
    expect(admits(gate, 0, 0)).toBe(false);
    expect(gate.refusalAt(500)).toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      retryAfterMs: 1_500,
    });
  });

  it('calls for a probe at the beginning, after two failures in a row, and after a pause', () => {
    const gate = new UpstreamGate();
    expect(gate.isNextAProbe(0)).toBe(true);
    gate.report(GOOD, 0);
    expect(gate.isNextAProbe(0)).toBe(false);
    gate.report(FAILED, 0);
    expect(gate.isNextAProbe(0)).toBe(false);
    gate.report(FAILED, 0);
    expect(gate.isNextAProbe(0)).toBe(true);
    for (let n = 0; n < 3; n += 1) gate.report(FAILED, 0);
    expect(gate.isNextAProbe(2_000)).toBe(true);
    gate.report(GOOD, 2_000);
    expect(gate.isNextAProbe(2_000)).toBe(false);
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
      expect([admits(gate, now, 0), admits(gate, now, 1)]).toEqual([true, false]);
    }
    expect(pauses).toEqual([2, 2, 4, 8, 16, 32, 60, 60]);
  });

  it('does not pause for failures about one order alone, until another call fails as well', () => {
    for (const state of [
      { name: 'serving', failuresInRow: 0 },
      { name: 'proving', breakMs: 2_000 },
    ] as const) {
      const gate = new UpstreamGate(state);
      for (let n = 0; n < 9; n += 1) gate.report({ ...FAILED, orderId: 'a' }, 0);
      gate.report({ kind: 'inconclusive' }, 0);
      expect(admits(gate, 0, 0)).toBe(true);
      gate.report({ ...FAILED, orderId: 'b' }, 0);
      expect(admits(gate, 0, 0)).toBe(false);
    }
  });

  it('pauses after five failures in a row about more orders than one, whichever came first', () => {
    const gate = new UpstreamGate({ name: 'serving', failuresInRow: 0 });
    for (const orderId of ['a', 'b', 'b', 'b']) gate.report({ ...FAILED, orderId }, 0);
    expect(admits(gate, 0, 0)).toBe(true);
    gate.report({ ...FAILED, orderId: 'b' }, 0);
    expect(admits(gate, 0, 0)).toBe(false);
  });

  it('opens up before a pause is over with a good answer to an earlier call', () => {
    const gate = new UpstreamGate({ name: 'serving', failuresInRow: 4 });
    gate.report(FAILED, 0);
    expect(admits(gate, 1, 0)).toBe(false);
    gate.report(GOOD, 1);
    expect(admits(gate, 1, 3)).toBe(true);
  });

  it('forgets the order whose check failed with the next good answer', () => {
    const gate = new UpstreamGate({ name: 'serving', failuresInRow: 0 });
    for (let n = 0; n < 4; n += 1) gate.report({ ...FAILED, orderId: 'a' }, 0);
    gate.report(GOOD, 0);
    for (const orderId of ['b', 'a', 'b', 'a']) gate.report({ ...FAILED, orderId }, 0);
    expect(admits(gate, 0, 0)).toBe(true);
    gate.report({ ...FAILED, orderId: 'b' }, 0);
    expect(admits(gate, 0, 0)).toBe(false);
  });

  it('lets one call at a time tell whether a refusal was of the key, and ends no wait for it', () => {
    const gate = new UpstreamGate({ name: 'serving', failuresInRow: 0 });
    gate.report({ kind: 'doubtful' }, 0);
    expect([admits(gate, 0, 0), admits(gate, 0, 1)]).toEqual([true, false]);
    gate.report(GOOD, 0);
    expect(admits(gate, 0, 1)).toBe(true);
    gate.report({ kind: 'refused' }, 0);
    gate.report({ kind: 'doubtful' }, 0);
    expect(admits(gate, 0, 0)).toBe(false);
  });

  it('takes no single doubtful refusal for one of the key, be it that of the very first call', () => {
    const gate = new UpstreamGate();
    gate.report({ kind: 'doubtful' }, 0);
    expect([admits(gate, 0, 0), admits(gate, 0, 1)]).toEqual([true, false]);
  });

  it('takes two doubtful refusals in a row for one of the key: no fifth bad try comes after four in flight', () => {
    const gate = new UpstreamGate({ name: 'serving', failuresInRow: 0 });
    for (let n = 0; n < 4; n += 1) gate.report({ kind: 'doubtful' }, 0);
    expect(gate.refusalAt(0)).toMatchObject({ code: 'UPSTREAM_REFUSED', retryAfterMs: 900_000 });
  });

  it('lets no call through once it is closed, and says that the gateway shuts down', () => {
    const gate = new UpstreamGate({ name: 'serving', failuresInRow: 0 });
    gate.close();
    expect(gate.placeInMs(0, [])).toBe(Number.POSITIVE_INFINITY);
    expect(gate.refusalAt(0)).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', retryAfterMs: 3_000 });
  });

  it.each([
    [20_000, 20_000],
    // Whoever asks for a whole hour may have meant something else.
    [3_600_000, 300_000],
  ])(
    'heeds a Retry-After on a failure at once, for five minutes at most: %i',
    (retryAfterMs, waitMs) => {
      const gate = new UpstreamGate({ name: 'serving', failuresInRow: 0 });
      gate.report({ kind: 'failed', retryAfterMs }, 0);
      expect([admits(gate, waitMs - 1, 0), admits(gate, waitMs, 0)]).toEqual([false, true]);
    },
  );

  it('after a Retry-After on a failure waits the whole time, whatever comes in late', () => {
    const gate = new UpstreamGate({ name: 'serving', failuresInRow: 0 });
    gate.report({ ...FAILED, retryAfterMs: 20_000 }, 0);
    gate.report(GOOD, 1);
    gate.report(FAILED, 2);
    gate.report({ ...FAILED, retryAfterMs: 1 }, 3);
    expect(gate.refusalAt(3)).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', retryAfterMs: 19_997 });
    expect([admits(gate, 20_000, 0), admits(gate, 20_000, 1)]).toEqual([true, false]);
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
    gate.report({ ...FAILED, retryAfterMs: 1 }, 2);
    gate.report({ kind: 'throttled', retryAfterMs: 1 }, 3);
    expect(admits(gate, waitMs - 1, 0)).toBe(false);
    expect(gate.refusalAt(0)).toMatchObject({ code, retryAfterMs: waitMs });
    expect([admits(gate, waitMs, 0), admits(gate, waitMs, 1)]).toEqual([true, false]);
  });
});
