import type { Random } from '../core/ports.ts';

/** A seeded generator (mulberry32): the same seed gives the same numbers on every machine. */
export function createRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number between `from` and `to`, both inclusive. */
export function drawInteger(random: Random, from: number, to: number): number {
  return from + Math.floor(random() * (to - from + 1));
}

export function drawDigits(random: Random, count: number): string {
  return Array.from({ length: count }, () => drawInteger(random, 0, 9)).join('');
}

export function drawHex(random: Random, count: number): string {
  return Array.from({ length: count }, () => drawInteger(random, 0, 15).toString(16)).join('');
}
