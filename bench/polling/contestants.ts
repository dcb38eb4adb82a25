import type { Measured } from './measure.ts';
import { type Run, runGateway } from './run-gateway.ts';
import { runVendorLoop } from './run-vendor-loop.ts';
import type { ListRegime } from './upstream.ts';

export interface Contestant {
  readonly name: string;
  /** What `--regime` calls it. */
  readonly regime: ListRegime | 'vendor';
  readonly run: (run: Run) => Promise<Measured>;
  /** Orders in progress beyond which there is no row: there are more new ones than calls, and the lag is that of the run's length. */
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
