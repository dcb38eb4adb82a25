/** The result of a scenario. */

export interface Metric {
  readonly name: string;
  /** Digits after the decimal point. */
  readonly digits: number;
}

export interface Line {
  readonly who: string;
  /** For each metric, one value per round. */
  readonly values: Readonly<Record<string, readonly number[]>>;
}

/** One row of the table of goals. */
export interface Verdict {
  readonly what: string;
  readonly must: string;
  readonly is: string;
  readonly isReached: boolean;
}

export interface Result {
  readonly scenario: ScenarioName;
  readonly title: string;
  /** What was measured, and what to bear in mind. */
  readonly explanation: readonly string[];
  readonly metrics: readonly Metric[];
  readonly lines: readonly Line[];
  /** The metric for which the table also shows ratios, of each line to the line `with`. */
  readonly comparison?: { readonly metric: string; readonly with: string };
  readonly verdicts: readonly Verdict[];
}

/** A result, and how it was measured. */
export interface Measured {
  readonly result: Result;
  readonly rounds: number;
  readonly seconds: number;
  readonly machine: string;
}

export const SCENARIOS = [
  'cached',
  'uncached',
  'burst',
  'fan-out',
  'own-orders',
  'idle',
  'delivery',
  'startup',
] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

export interface Measuring {
  readonly rounds: number;
  /** The duration of the load on each contestant in each round. */
  readonly seconds: number;
  readonly say: (line: string) => void;
}

export type Scenario = (measuring: Measuring) => Promise<Result>;

/** Collects values round by round. */
export class Notes {
  readonly #lines = new Map<string, Record<string, number[]>>();

  add(who: string, values: Readonly<Record<string, number>>): void {
    const line = this.#lines.get(who) ?? {};
    this.#lines.set(who, line);
    for (const [metric, value] of Object.entries(values)) {
      const known = line[metric] ?? [];
      line[metric] = known;
      known.push(value);
    }
  }

  of(who: string, metric: string): readonly number[] {
    return this.#lines.get(who)?.[metric] ?? [];
  }

  lines(): readonly Line[] {
    return [...this.#lines].map(([who, values]) => ({ who, values }));
  }
}
