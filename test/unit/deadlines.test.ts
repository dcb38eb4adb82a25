import { expect, it } from 'vitest';
import { Deadlines } from '../../src/transports/streams/deadlines.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** What became due, each with the time since the start. */
function scene() {
  const clock = new ManualClock();
  const start = clock.now();
  const due: (readonly [name: string, afterMs: number])[] = [];
  const deadlines = new Deadlines<string>(clock, (name) => due.push([name, clock.now() - start]));
  return { clock, due, deadlines, at: (ms: number) => start + ms };
}

it('each deadline is told of when its time is up, in whatever order they were put in', async () => {
  const { clock, due, deadlines, at } = scene();
  deadlines.add('last', at(3_000));
  deadlines.add('first', at(1_000));
  deadlines.add('second', at(2_000));
  await clock.advance(999);
  expect(due).toEqual([]);
  await clock.advance(10_000);
  expect(due).toEqual([
    ['first', 1_000],
    ['second', 2_000],
    ['last', 3_000],
  ]);
});

it('nothing is told of what was taken out, nor anything twice', async () => {
  const { clock, due, deadlines, at } = scene();
  deadlines.add('out', at(1_000));
  deadlines.add('in', at(2_000));
  deadlines.delete('out');
  await clock.advance(10_000);
  expect(due).toEqual([['in', 2_000]]);
});

it('all that are due within a moment are looked for once, and none is missed', async () => {
  const { clock, due, deadlines, at } = scene();
  for (let ms = 0; ms < 100; ms += 1) deadlines.add(`${ms}`, at(1_000 + ms));
  await clock.advance(10_000);
  expect(due.map(([name]) => name)).toEqual(Array.from({ length: 100 }, (_, ms) => `${ms}`));
  expect(new Set(due.map(([, afterMs]) => afterMs)).size).toBeLessThan(5);
  for (const [name, afterMs] of due) {
    expect(afterMs - 1_000 - Number(name)).toBeGreaterThanOrEqual(0);
    expect(afterMs - 1_000 - Number(name)).toBeLessThanOrEqual(50);
  }
});

it('deadlines begin anew after all were due, and for what is put in as another is due', async () => {
  const clock = new ManualClock();
  const due: string[] = [];
  const deadlines = new Deadlines<string>(clock, (name) => {
    due.push(name);
    if (name === 'one') deadlines.add('two', clock.now() + 1_000);
  });
  deadlines.add('one', clock.now() + 1_000);
  await clock.advance(5_000);
  deadlines.add('three', clock.now() + 1_000);
  await clock.advance(1_000);
  expect(due).toEqual(['one', 'two', 'three']);
});

it('there is one timer at most, which runs out only when something is due, and none once nothing is', async () => {
  const { clock, due, deadlines, at } = scene();
  const after = clock.after.bind(clock);
  let [started, running] = [0, 0];
  clock.after = (delayMs, callback) => {
    started += 1;
    running += 1;
    const timer = after(delayMs, () => {
      running -= 1;
      callback();
    });
    return {
      cancel: () => {
        running -= 1;
        timer.cancel();
      },
    };
  };
  for (const seconds of [3, 2, 1]) {
    deadlines.add(`after ${seconds} s`, at(seconds * 1_000));
    expect(running).toBe(1);
  }
  await clock.advance(10_000);
  expect(due).toHaveLength(3);
  // One for each that was added, and one for each that was due, except the last.
  expect([started, running]).toEqual([5, 0]);
});
