import type { Fetch } from '../../src/core/ports.ts';
import { createSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** How useful the upstream's lists are: it is not documented whether their rows carry the card, or always work. */
export type ListRegime = 'with cards' | 'without cards' | 'unusable';

/** The round-trip time of a call; each direction takes half of it. */
export const LATENCY_MS = 200;
/** The time from the moment that the upstream reads an order's state until the snapshot is in the log. */
export const HOME_MS = LATENCY_MS / 2;

export const CALLS_PER_MINUTE = 120;

/** A simulator with the latency of a real upstream. */
export function distantSimulator(options: {
  readonly clock: VirtualClock;
  readonly seed: number;
  readonly list: ListRegime;
}): { readonly simulator: Simulator; readonly fetch: Fetch } {
  const { clock, seed, list } = options;
  const simulator = createSimulator({
    clock,
    seed,
    callsPerMinute: CALLS_PER_MINUTE,
    listCarriesCards: list === 'with cards',
  });
  if (list === 'unusable') simulator.fail({ fault: 'serverError', operation: 'list' });
  const travel = () =>
    new Promise<void>((resolve) => {
      clock.after(LATENCY_MS / 2, resolve);
    });
  const fetch: Fetch = async (input, init) => {
    await travel();
    const response = await simulator.fetch(input, init);
    await travel();
    return response;
  };
  return { simulator, fetch };
}
