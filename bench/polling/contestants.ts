import type { Measured } from './measure.ts';
import { type Run, runGateway } from './run-gateway.ts';
import { runVendorLoop } from './run-vendor-loop.ts';
import type { ListRegime } from './upstream.ts';

export interface Contestant {
  readonly name: string;
  /** The contestant's name for `--regime`. */
  readonly regime: ListRegime | 'vendor';
  readonly run: (run: Run) => Promise<Measured>;
  /** No row beyond this many orders in progress: with more orders than calls, the lag depends on the run's length. */
  readonly upTo: number;
}

export const CONTESTANTS: readonly Contestant[] = [
  {
    name: "vendor's loop",
    regime: 'vendor',
    run: runVendorLoop,
    upTo: Number.POSITIVE_INFINITY,
  },
  gateway('with cards', Number.POSITIVE_INFINITY),
  gateway('without cards', 100),
  gateway('unusable', 100),
];

function gateway(regime: ListRegime, upTo: number): Contestant {
  return { name: `gateway, list ${regime}`, regime, run: (run) => runGateway(run, regime), upTo };
}
