import * as z from 'zod';
import { wholeNumber } from '../whole-number.ts';
import { SIMULATOR_API_KEY } from './simulator.ts';

export interface SimulatorConfig {
  readonly port: number;
  readonly apiKey: string;
  readonly seed: number;
  readonly callsPerMinute: number;
}

const KEYS = {
  SIMULATOR_PORT: 'a port from 0 (any that is free) to 65535',
  SIMULATOR_API_KEY: 'a key of printable characters, without blanks',
  SIMULATOR_SEED: 'a whole number from 0 to 4294967295',
  SIMULATOR_CALLS_PER_MINUTE: 'a whole number from 1 to 1000000',
} as const;

const schema = z.object({
  SIMULATOR_PORT: wholeNumber(0, 65_535).default(4_100),
  SIMULATOR_API_KEY: z
    .string()
    .regex(/^[!-~]+$/)
    .default(SIMULATOR_API_KEY),
  SIMULATOR_SEED: wholeNumber(0, 2 ** 32 - 1).default(1),
  SIMULATOR_CALLS_PER_MINUTE: wholeNumber(1, 1_000_000).default(120),
} satisfies Record<keyof typeof KEYS, z.ZodType>);

export type ParsedConfig =
  | { readonly ok: true; readonly config: SimulatorConfig }
  /** Everything that is wrong, one line each. */
  | { readonly ok: false; readonly faults: readonly string[] };

/** An empty variable counts as unset. */
export function parseSimulatorConfig(
  env: Readonly<Record<string, string | undefined>>,
): ParsedConfig {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    const wrong = new Set(parsed.error.issues.map(({ path }) => path[0]));
    const names = (Object.keys(KEYS) as (keyof typeof KEYS)[]).filter((name) => wrong.has(name));
    return { ok: false, faults: names.map((name) => faultOf(name, given[name])) };
  }
  const { data } = parsed;
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

function faultOf(name: keyof typeof KEYS, value: string | undefined): string {
  // The message does not quote the key, which might be a real one.
  const came = name === 'SIMULATOR_API_KEY' ? 'something else' : JSON.stringify(value);
  return `${name}: expected ${KEYS[name]}, got ${came}`;
}
