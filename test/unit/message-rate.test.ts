import { expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/limits/limits.ts';
import { MessageRate, type Talker } from '../../src/limits/sockets.ts';
import { ManualClock } from '../support/manual-clock.ts';

it('a socket may say as much as its rate, and once end all its subscriptions and begin others', async () => {
  const clock = new ManualClock();
  const limits = { ...DEFAULT_LIMITS, messagesPerSecond: 4, subscriptionsPerConnection: 3 };
  const rate = new MessageRate(limits, clock);
  const talker: Talker = { messagesLeft: rate.capacity, heardAt: clock.steady() };
  const saidIn = async (ms: number) => {
    await clock.advance(ms);
    let said = 0;
    while (rate.allows(talker)) said += 1;
    // The one too many closes a socket: here it counts as not said.
    talker.messagesLeft += 1;
    return said;
  };
  expect(await saidIn(0)).toBe(10);
  expect(await saidIn(250)).toBe(1);
  expect(await saidIn(1_000)).toBe(4);
  clock.set(60_000);
  expect(await saidIn(0)).toBe(0);
  expect(await saidIn(60_000)).toBe(10);
});
