import { setImmediate as nextRound } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Turns } from '../../src/limits/turns.ts';
import { ManualClock } from '../support/manual-clock.ts';

const ONE = '192.0.2.1';
const OTHER = '192.0.2.2';

it('each address may begin eight pieces of work at once, and eight in each round', async () => {
  const turns = new Turns(new ManualClock());
  const begun: string[] = [];
  const take = (address: string, name: string) => {
    const turn = turns.take(address);
    if (turn === undefined) begun.push(name);
    else turn.then(() => begun.push(name));
  };
  const names = Array.from({ length: 18 }, (_, n) => `a${n}`);
  for (const name of names) take(ONE, name);
  take(OTHER, 'x');
  expect(begun).toEqual([...names.slice(0, 8), 'x']);
  await nextRound();
  expect(begun.slice(9)).toEqual(names.slice(8, 16));
  // It waits for nobody else.
  take(OTHER, 'y');
  expect(begun.at(-1)).toBe('y');
  // Nothing overtakes what waits.
  take(ONE, 'last');
  await nextRound();
  expect(begun.slice(18)).toEqual([...names.slice(16), 'last']);
});

/** Work of one address, and rounds that take as long as a test says. */
function rounds(mostAfterQuick?: number) {
  let [now, begun] = [0, 0];
  const turns = new Turns({ steady: () => now }, mostAfterQuick);
  return {
    /** Returns how many pieces begin at once. */
    want(pieces: number): number {
      const before = begun;
      for (let n = 0; n < pieces; n += 1) {
        const turn = turns.take(ONE);
        if (turn === undefined) begun += 1;
        else turn.then(() => (begun += 1));
      }
      return begun - before;
    },
    /** Returns how many pieces begin in the round after one that took so long. */
    async inNextRound(tookMs: number): Promise<number> {
      now += tookMs;
      const before = begun;
      await nextRound();
      return begun - before;
    },
  };
}

it('each may begin one after a round that took long, and more again after short ones', async () => {
  const { want, inNextRound } = rounds();
  expect(want(40)).toBe(8);
  expect(await inNextRound(51)).toBe(1);
  expect(await inNextRound(51)).toBe(1);
  expect(await inNextRound(50)).toBe(2);
  expect(await inNextRound(0)).toBe(4);
  expect(await inNextRound(0)).toBe(8);
  expect(await inNextRound(0)).toBe(8);
});

it('each may begin more after quick rounds, where that is allowed, and eight again in another series', async () => {
  const { want, inNextRound } = rounds(32);
  expect(want(150)).toBe(8);
  expect(await inNextRound(15)).toBe(16);
  expect(await inNextRound(15)).toBe(32);
  expect(await inNextRound(16)).toBe(8);
  expect(await inNextRound(0)).toBe(16);
  expect(await inNextRound(0)).toBe(32);
  expect(await inNextRound(0)).toBe(32);
  expect(await inNextRound(0)).toBe(6);
  expect(await inNextRound(0)).toBe(0);
  expect(want(20)).toBe(8);
});

it('an address begins at once what it may still begin in a round, after what waited for that', async () => {
  const { want, inNextRound } = rounds();
  expect(want(9)).toBe(8);
  expect(await inNextRound(0)).toBe(1);
  expect(want(8)).toBe(7);
});

it('a round that took long is remembered, though nothing waited for the next', async () => {
  const { want, inNextRound } = rounds();
  want(8);
  await inNextRound(51);
  expect(want(3)).toBe(1);
});

it('an address that has begun all is forgotten', async () => {
  const turns = new Turns(new ManualClock());
  for (let n = 0; n < 8; n += 1) expect(turns.take(ONE)).toBeUndefined();
  await nextRound();
  for (let n = 0; n < 8; n += 1) expect(turns.take(ONE)).toBeUndefined();
});

it('there are no rounds while nobody has anything to begin', async () => {
  vi.useFakeTimers({ toFake: ['setImmediate'] });
  onTestFinished(() => void vi.useRealTimers());
  const turns = new Turns(new ManualClock());
  for (let n = 0; n < 9; n += 1) turns.take(ONE);
  vi.runOnlyPendingTimers();
  expect(vi.getTimerCount()).toBe(1);
  vi.runOnlyPendingTimers();
  expect(vi.getTimerCount()).toBe(0);
});
