import { createRandom } from '../../src/simulator/random.ts';
import { LATENCY_MS } from './upstream.ts';
import { HANDLED_PART, ordersPerMs } from './workload.ts';

/** What the key allows, less the little that any limiter loses. */
const CALLS_PER_MINUTE = 118;
const CALL_EVERY_MS = 60_000 / CALLS_PER_MINUTE;
const ORDERS = 200_000;
const SEED = 5;

/**
 * Not a bound, but what a plain policy without any waste comes to where lists show no cards: one list that
 * shows all that has settled, then one call for the card of each, then the next list; calls at even
 * distances. Lags in milliseconds; `undefined` where there are more orders than calls.
 */
export function gatedCycle(inProgress: number): readonly number[] | undefined {
  const perMs = ordersPerMs(inProgress) * HANDLED_PART;
  if (perMs * CALL_EVERY_MS >= 1) return undefined;
  const settled = settlements(perMs);
  const lagsMs: number[] = [];
  let now = 0;
  while (lagsMs.length < settled.length) {
    now += CALL_EVERY_MS;
    const listedAt = now;
    for (let at = settled[lagsMs.length]; at !== undefined && at <= listedAt; ) {
      now = Math.max(now + CALL_EVERY_MS, listedAt + LATENCY_MS);
      lagsMs.push(now + LATENCY_MS / 2 - at);
      at = settled[lagsMs.length];
    }
  }
  return lagsMs;
}

function settlements(perMs: number): readonly number[] {
  const random = createRandom(SEED);
  let at = 0;
  return Array.from({ length: ORDERS }, () => {
    at -= Math.log(1 - random()) / perMs;
    return at;
  });
}
