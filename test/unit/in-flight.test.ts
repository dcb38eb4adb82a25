import { expect, it } from 'vitest';
import { InFlight } from '../../src/poller/in-flight.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ORDER_ID } from '../support/observations.ts';

it('checks, sweeps and other calls count until each has ended, and it is known when they started', async () => {
  const clock = new ManualClock(0);
  const inFlight = new InFlight(clock);
  const call = Promise.withResolvers<void>();
  const startedAt = clock.steady();
  void inFlight.addOther(call.promise);
  await clock.advance(500);
  void inFlight.addSweep({ from: 0, to: 1, covered: [] }, call.promise);
  await clock.advance(500);
  void inFlight.addCheck(
    ORDER_ID,
    call.promise.then(() => ({ kind: 'unknown' })),
  );
  expect(inFlight.size).toBe(3);
  expect(inFlight.starts).toEqual([startedAt, startedAt + 500, startedAt + 1_000]);
  call.resolve();
  await inFlight.settled();
  expect([inFlight.size, inFlight.starts]).toEqual([0, []]);
});
