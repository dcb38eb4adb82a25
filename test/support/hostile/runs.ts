import type fc from 'fast-check';

const SEED = 20_261_124;

/**
 * How many scenarios are tried, and which: the same ones each time, unless `PROPERTY_RUNS` or `PROPERTY_SEED` say
 * otherwise. To reproduce one failure, also set `PROPERTY_PATH` to the printed path.
 */
export function runs<Input>(numRuns: number): fc.Parameters<Input> {
  const { PROPERTY_RUNS, PROPERTY_SEED, PROPERTY_PATH } = process.env;
  return {
    numRuns: PROPERTY_RUNS === undefined ? numRuns : Number(PROPERTY_RUNS),
    seed: PROPERTY_SEED === undefined ? SEED : Number(PROPERTY_SEED),
    ...(PROPERTY_PATH === undefined ? {} : { path: PROPERTY_PATH }),
  };
}
