/** Whether the project's goals are reached, from ratios within one run, round by round. */
import type { Notes, Verdict } from './result.ts';
import { ratios, spreadOf } from './statistics.ts';

interface Comparison {
  readonly what: string;
  readonly metric: string;
  /** The contestant whose ratio to the contestant `with` is judged. */
  readonly who: string;
  readonly with: string;
}

export function atLeast(notes: Notes, limit: number, compared: Comparison): Verdict {
  return ratioVerdict(notes, { ...compared, must: `at least ${limit}` }, (ratio) => ratio >= limit);
}

export function atMost(notes: Notes, limit: number, compared: Comparison): Verdict {
  return ratioVerdict(notes, { ...compared, must: `at most ${limit}` }, (ratio) => ratio <= limit);
}

function ratioVerdict(
  notes: Notes,
  { what, metric, who, with: other, must }: Comparison & { readonly must: string },
  isReached: (ratio: number) => boolean,
): Verdict {
  const { median, least, most } = spreadOf(ratios(notes.of(who, metric), notes.of(other, metric)));
  if (Number.isNaN(median)) return { what, must, is: 'not measured', isReached: false };
  const is = `${median.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
  return { what, must, is, isReached: isReached(median) };
}

/** A verdict on a median that must be below an absolute limit. */
export function below(
  values: readonly number[],
  { what, limit, unit }: { readonly what: string; readonly limit: number; readonly unit: string },
): Verdict {
  const { median, least, most } = spreadOf(values);
  const is = `${median.toFixed(1)} ${unit} (${least.toFixed(1)} to ${most.toFixed(1)})`;
  return { what, must: `under ${limit} ${unit}`, is, isReached: median < limit };
}
