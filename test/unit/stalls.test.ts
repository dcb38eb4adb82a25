import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { Stalls } from '../../src/limits/stalls.ts';
import { ManualClock } from '../support/manual-clock.ts';

const TIMEOUT_MS = 10_000;
const LOOK_MS = TIMEOUT_MS / 4;

/** A connection of which only the counts are looked at. */
function counted(): Socket {
  return Object.defineProperties(new Socket(), {
    writableLength: { value: 0, writable: true },
    bytesWritten: { value: 0, writable: true },
  });
}

function scene() {
  const clock = new ManualClock();
  const stalls = new Stalls({ clock, timeoutMs: TIMEOUT_MS });
  const told: Socket[] = [];
  const teller = { stalled: (socket: Socket) => void told.push(socket) };
  return { clock, stalls, told, teller };
}

/** So much was written, and so much of it still waits. */
function write(socket: Socket, written: number, waiting: number): void {
  Object.assign(socket, { bytesWritten: written, writableLength: waiting });
}

it('a client that has stopped reading is found within the time-out, counted from the last look at which it had not', async () => {
  for (const read of [0, 50]) {
    const { clock, stalls, told, teller } = scene();
    const socket = counted();
    stalls.watch(socket, teller);
    await clock.advance(2 * LOOK_MS);
    write(socket, 100, 100 - read);
    await clock.advance(TIMEOUT_MS - 1);
    expect(told).toEqual([]);
    await clock.advance(1);
    expect(told).toEqual([socket]);
    await clock.advance(2 * TIMEOUT_MS);
    expect(told).toEqual([socket]);
  }
});

it('one is found as soon, and no sooner, when the system clock is set meanwhile', async () => {
  for (const byMs of [-24 * 3_600_000, 24 * 3_600_000]) {
    const { clock, stalls, told, teller } = scene();
    const socket = counted();
    write(socket, 100, 50);
    stalls.watch(socket, teller);
    await clock.advance(2 * LOOK_MS);
    clock.set(byMs);
    await clock.advance(TIMEOUT_MS - LOOK_MS - 1);
    expect(told).toEqual([]);
    await clock.advance(1);
    expect(told).toEqual([socket]);
  }
});

it('one that came with something waiting has the whole time-out', async () => {
  const { clock, stalls, told, teller } = scene();
  stalls.watch(counted(), teller);
  await clock.advance(LOOK_MS - 1);
  const socket = counted();
  write(socket, 100, 50);
  stalls.watch(socket, teller);
  await clock.advance(TIMEOUT_MS);
  expect(told).toEqual([]);
  await clock.advance(LOOK_MS);
  expect(told).toEqual([socket]);
});

it('one that is slow but reads is left alone, and so is one that is forgotten', async () => {
  const { clock, stalls, told, teller } = scene();
  const slow = counted();
  const gone = counted();
  for (const socket of [slow, gone]) {
    write(socket, 1_000, 500);
    stalls.watch(socket, teller);
  }
  await clock.advance(LOOK_MS);
  stalls.forget(gone);
  for (let look = 0; look < 20; look += 1) {
    write(slow, 1_000 + look, 500);
    await clock.advance(LOOK_MS);
  }
  expect(told).toEqual([]);
});

it('the last to be named is told', async () => {
  const { clock, stalls, told, teller } = scene();
  const socket = counted();
  write(socket, 100, 50);
  stalls.watch(socket, { stalled: () => expect.unreachable() });
  stalls.watch(socket, teller);
  await clock.advance(2 * TIMEOUT_MS);
  expect(told).toEqual([socket]);
});
