import type fc from 'fast-check';

const SEED = 20_261_124;

/**
 * How many scenarios are tried, and which: the same ones each time, unless told otherwise by
 * `PROPERTY_RUNS`, `PROPERTY_SEED` and, to see one failure again, `PROPERTY_PATH` as it was printed.
 */
export function runs<Input>(numRuns: number): fc.Parameters<Input> {
  const { PROPERTY_RUNS, PROPERTY_SEED, PROPERTY_PATH } = process.env;
  return {
    numRuns: PROPERTY_RUNS === undefined ? numRuns : Number(PROPERTY_RUNS),
    seed: PROPERTY_SEED === undefined ? SEED : Number(PROPERTY_SEED),
    ...(PROPERTY_PATH === undefined ? {} : { path: PROPERTY_PATH }),
  };
}
