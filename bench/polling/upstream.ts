import type { Fetch } from '../../src/core/ports.ts';
import { createRandom } from '../../src/simulator/random.ts';
import { createSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** How useful the upstream's lists are: it is not documented whether their rows carry the card, or always work. */
export type ListRegime = 'with cards' | 'without cards' | 'unusable';

/** The round-trip time of a call; each direction takes half of it. */
export const LATENCY_MS = 200;
/** The time from the moment that the upstream reads an order's state until the snapshot is in the log. */
export const HOME_MS = LATENCY_MS / 2;

export const CALLS_PER_MINUTE = 120;

/** How long the upstream takes to answer. */
export interface Pace {
  /** There and back; each direction takes half of it. */
  readonly latencyMs: number;
  /** How long it takes on top of that on average, exponentially distributed, before it reads an order's state. */
  readonly varyingMs: number;
  /** The share of calls that are never answered. */
  readonly hangingPart: number;
}

export const USUAL: Pace = { latencyMs: LATENCY_MS, varyingMs: 0, hangingPart: 0 };

/** A simulator with the latency of a real upstream. */
export function distantSimulator(options: {
  readonly clock: VirtualClock;
  readonly seed: number;
  readonly list: ListRegime;
  readonly pace?: Pace | undefined;
}): { readonly simulator: Simulator; readonly fetch: Fetch } {
  const { clock, seed, list, pace = USUAL } = options;
  const simulator = createSimulator({
    clock,
    seed,
    callsPerMinute: CALLS_PER_MINUTE,
    listCarriesCards: list === 'with cards',
  });
  if (list === 'unusable') simulator.fail({ fault: 'serverError', operation: 'list' });
  const random = createRandom(seed);
  const travel = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve));
  const fetch: Fetch = async (input, init) => {
    const variesMs = -Math.log(1 - random()) * pace.varyingMs;
    const hangs = random() < pace.hangingPart;
    await travel(pace.latencyMs / 2 + variesMs);
    const response = await simulator.fetch(input, init);
    if (hangs) await aborted(init?.signal);
    await travel(pace.latencyMs / 2);
    return response;
  };
  return { simulator, fetch };
}

/** Rejects once the call is given up. */
function aborted(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
