import * as z from 'zod';
import { wholeNumber } from '../whole-number.ts';
import { SIMULATOR_API_KEY } from './simulator.ts';

export interface SimulatorConfig {
  readonly port: number;
  readonly apiKey: string;
  readonly seed: number;
  readonly callsPerMinute: number;
}

const schema = z.object({
  SIMULATOR_PORT: wholeNumber(0, 65_535, 'a port from 0 (any that is free) to 65535').default(
    4_100,
  ),
  SIMULATOR_API_KEY: z
    .string()
    .regex(/^[!-~]+$/, 'a key of printable characters, without blanks')
    .default(SIMULATOR_API_KEY),
  SIMULATOR_SEED: wholeNumber(0, 2 ** 32 - 1).default(1),
  SIMULATOR_CALLS_PER_MINUTE: wholeNumber(1, 1_000_000).default(120),
});

/** The names of all variables. */
export const SIMULATOR_VARIABLES: readonly string[] = Object.keys(schema.shape);

type Environment = Readonly<Record<string, string | undefined>>;

type ParsedConfig =
  | { readonly ok: true; readonly config: SimulatorConfig }
  /** Everything that is wrong, one line each. */
  | { readonly ok: false; readonly faults: readonly string[] };

/** An empty variable counts as unset. */
export function parseSimulatorConfig(env: Environment): ParsedConfig {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const { data, error } = schema.safeParse(given);
  if (data === undefined) {
    return { ok: false, faults: error.issues.map((issue) => faultOf(issue, given)) };
  }
  return {
    ok: true,
    config: {
      port: data.SIMULATOR_PORT,
      apiKey: data.SIMULATOR_API_KEY,
      seed: data.SIMULATOR_SEED,
      callsPerMinute: data.SIMULATOR_CALLS_PER_MINUTE,
    },
  };
}

function faultOf({ path, message }: z.core.$ZodIssue, given: Environment): string {
  const name = String(path[0]);
  // The message does not quote the key, which might be a real one.
  const came = name === 'SIMULATOR_API_KEY' ? 'something else' : JSON.stringify(given[name]);
  return `${name}: expected ${message}, got ${came}`;
}
