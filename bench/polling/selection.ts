import { parseArgs } from 'node:util';
import type { Contestant } from './contestants.ts';

const IN_PROGRESS = [1, 5, 10, 40, 100, 400, 1_000];
const REGIMES = ['vendor', 'with cards', 'without cards', 'unusable'] as const;
type Regime = Contestant['regime'];

/** Which parts of the bench to run. */
export interface Selection {
  readonly inProgress: readonly number[];
  readonly regimes: readonly Regime[];
  readonly lags: boolean;
  readonly subscribers: boolean;
  readonly sharedKey: boolean;
  readonly slowUpstream: boolean;
  /** Only a complete run writes the files. */
  readonly isComplete: boolean;
}

/**
 * Parses `--in-progress 5,40`, `--regime 'without cards,vendor'`, and `--subscribers`, `--shared-key` and
 * `--slow-upstream` (only these tables).
 *
 * @throws TypeError or RangeError for any other argument or value.
 */
export function selectionFrom(args: readonly string[]): Selection {
  const { values } = parseArgs({
    args: [...args],
    options: {
      'in-progress': { type: 'string' },
      regime: { type: 'string' },
      subscribers: { type: 'boolean', default: false },
      'shared-key': { type: 'boolean', default: false },
      'slow-upstream': { type: 'boolean', default: false },
    },
  });
  const { 'in-progress': inProgress, regime, subscribers } = values;
  const { 'shared-key': sharedKey, 'slow-upstream': slowUpstream } = values;
  const isFiltered = inProgress !== undefined || regime !== undefined;
  const isComplete = !isFiltered && !subscribers && !sharedKey && !slowUpstream;
  return {
    inProgress: inProgress === undefined ? IN_PROGRESS : inProgress.split(',').map(positive),
    regimes: regime === undefined ? REGIMES : regime.split(',').map(regimeNamed),
    lags: isComplete || isFiltered,
    subscribers: isComplete || subscribers,
    sharedKey: isComplete || sharedKey,
    slowUpstream: isComplete || slowUpstream,
    isComplete,
  };
}

function positive(text: string): number {
  const number = Number(text);
  if (number > 0 && Number.isFinite(number)) return number;
  throw new RangeError(`--in-progress takes numbers above 0, not ${text}`);
}

function regimeNamed(text: string): Regime {
  const regime = REGIMES.find((name) => name === text.trim());
  if (regime !== undefined) return regime;
  throw new RangeError(`--regime is one of ${REGIMES.join(', ')}, not ${text}`);
}
