/** The latest result of each scenario, in `bench/results/speed.json`: every value of every round. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RESULTS } from './paths.ts';
import { plot } from './plot.ts';
import { report } from './report.ts';
import { type Measured, SCENARIOS, type ScenarioName } from './result.ts';

const FILE = join(RESULTS, 'speed.json');

type Kept = Partial<Record<ScenarioName, Measured>>;

/** Replaces the earlier result of the same scenario, and rewrites the report and the plot. */
export function keep(measured: Measured): void {
  const kept: Kept = { ...read(), [measured.result.scenario]: measured };
  const all = SCENARIOS.flatMap((scenario) => kept[scenario] ?? []);
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(FILE, `${JSON.stringify(kept, rounded, 1)}\n`);
  writeFileSync(join(RESULTS, 'speed.md'), report(all));
  writeFileSync(join(RESULTS, 'speed.svg'), plot(all.map(({ result }) => result)));
}

function read(): Kept {
  return existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {};
}

/** Keeps only the significant digits. */
function rounded(_name: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(5)) : value;
}
