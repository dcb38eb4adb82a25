import { setImmediate as nextRound } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Turns } from '../../src/limits/turns.ts';

const ONE = '192.0.2.1';
const OTHER = '192.0.2.2';

it('lets each address begin at once, and once in a round', async () => {
  const turns = new Turns();
  const begun: string[] = [];
  const take = (address: string, name: string) => {
    const turn = turns.take(address);
    if (turn === undefined) begun.push(name);
    else turn.then(() => begun.push(name));
  };
  for (const name of ['a', 'b', 'c']) take(ONE, name);
  take(OTHER, 'x');
  expect(begun).toEqual(['a', 'x']);
  await nextRound();
  expect(begun).toEqual(['a', 'x', 'b']);
  // It waits for nobody else.
  take(OTHER, 'y');
  expect(begun).toEqual(['a', 'x', 'b', 'y']);
  await nextRound();
  expect(begun).toEqual(['a', 'x', 'b', 'y', 'c']);
});

it('forgets an address that has begun all', async () => {
  const turns = new Turns();
  expect(turns.take(ONE)).toBeUndefined();
  await nextRound();
  expect(turns.take(ONE)).toBeUndefined();
});
