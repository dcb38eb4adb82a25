import { parseArgs } from 'node:util';
import { SCENARIOS, type ScenarioName } from './result.ts';

const LEAST_ROUNDS = 5;

export interface Selection {
  readonly scenarios: readonly ScenarioName[];
  readonly rounds: number;
  readonly seconds: number;
  /** Whether the results are written to files, which needs at least `LEAST_ROUNDS` rounds. */
  readonly isKept: boolean;
}

/**
 * Parses `npm run bench -- cached fan-out --rounds 3 --seconds 2`. Defaults to all scenarios, with 5 rounds of 2 s.
 *
 * @throws TypeError or RangeError for any other argument or value.
 */
export function selectionFrom(args: readonly string[]): Selection {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: String(LEAST_ROUNDS) },
      seconds: { type: 'string', default: '2' },
    },
  });
  const scenarios = positionals.length === 0 ? SCENARIOS : positionals.map(scenarioNamed);
  const rounds = whole('rounds', values.rounds);
  return {
    scenarios,
    rounds,
    seconds: whole('seconds', values.seconds),
    isKept: rounds >= LEAST_ROUNDS,
  };
}

function scenarioNamed(text: string): ScenarioName {
  const name = SCENARIOS.find((scenario) => scenario === text);
  if (name !== undefined) return name;
  throw new RangeError(`scenarios are ${SCENARIOS.join(', ')}, not ${text}`);
}

function whole(name: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new RangeError(`--${name} takes a whole number above 0, not ${text}`);
}
