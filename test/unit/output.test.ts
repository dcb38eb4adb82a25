import { expect, it } from 'vitest';
import { Output } from '../../src/telemetry/output.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** An output into something with room for so many bytes. */
function scene(room: number) {
  const clock = new ManualClock();
  const place = { room, written: '', tries: 0 };
  const write = (bytes: Buffer) => {
    place.tries += 1;
    if (place.room === 0) throw new Error('full');
    const fitting = bytes.subarray(0, place.room);
    place.room -= fitting.length;
    place.written += fitting.toString();
    return fitting.length;
  };
  return { clock, place, out: new Output({ clock, write }) };
}

it('writes each line at once', () => {
  const { place, out } = scene(100);
  out.write('one\n');
  expect(place.written).toBe('one\n');
  out.write('two\n');
  expect(place.written).toBe('one\ntwo\n');
});

it('goes on amid a line as soon as there is room, although no further line comes', async () => {
  const { clock, place, out } = scene(6);
  for (const line of ['one\n', 'two\n', 'three\n']) out.write(line);
  expect(place.written).toBe('one\ntw');
  place.room = 100;
  await clock.advance(1_000);
  expect(place.written).toBe('one\ntwo\nthree\n');
  const { tries } = place;
  await clock.advance(10_000);
  expect(place.tries).toBe(tries);
});

it('keeps a megabyte of lines, loses whole ones alone, and goes on once there is room', async () => {
  const { clock, place, out } = scene(0);
  const line = `${'é'.repeat(499)}\n`;
  for (let nth = 0; nth < 3_000; nth += 1) out.write(line);
  place.room = Number.POSITIVE_INFINITY;
  await clock.advance(1_000);
  const waited = Math.floor(1_000_000 / Buffer.byteLength(line));
  expect(place.written).toBe(line.repeat(waited));
  out.write('news\n');
  expect(place.written).toBe(`${line.repeat(waited)}news\n`);
});

it('tries once more at the end of the process', () => {
  const { place, out } = scene(0);
  out.write('one\n');
  place.room = 100;
  out.write('the last\n');
  out.writeWaiting();
  expect(place.written).toBe('one\nthe last\n');
});
