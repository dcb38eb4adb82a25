/** `bench/results/speed.md`, and the same tables on the screen. */
import { readFileSync } from 'node:fs';
import { arch, cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { CLIENT, CONNECTIONS } from './load.ts';
import { ROOT } from './paths.ts';
import type { Line, Metric, Result, Verdict } from './result.ts';
import { ratios, spreadOf } from './statistics.ts';

export interface Run {
  readonly results: readonly Result[];
  readonly rounds: number;
  readonly seconds: number;
}

export function report({ results, rounds, seconds }: Run): string {
  return `${[
    '# Speed',
    '',
    '![The gateway beside the bare machine and its peers](speed.svg)',
    '',
    `Made by \`npm run bench -- --rounds ${rounds} --seconds ${seconds}\` on ${machine()}.`,
    `Load comes from ${CLIENT}, ${CONNECTIONS} connections that are kept alive, one request at a time on each; load of ${seconds} s.`,
    ...METHOD,
    '',
    `Versions: ${versions().join(', ')}.`,
    '',
    '## What must be reached',
    '',
    ...verdictTable(results.flatMap(({ verdicts }) => verdicts)),
    ...results.flatMap((result) => [
      '',
      `## ${result.title}`,
      '',
      ...result.explanation,
      '',
      ...table(result),
    ]),
  ].join('\n')}\n`;
}

const METHOD = [
  'Each contestant is a process of its own, pinned to core 0; clients and the upstream are on core 1. The rounds of all',
  'contestants are interleaved. A figure is the median of the rounds, in brackets the least and the most; a ratio is',
  'taken round by round, and then its median. All answer the same query with the same fields, which is checked before.',
  'The limits of the gateway on connections and lookups of one address are raised by its variables',
  '(`MAX_CONNECTIONS`, `MAX_CONNECTIONS_PER_ADDRESS`, `UNCACHED_LOOKUPS_PER_MINUTE`, `UPSTREAM_CALLS_PER_MINUTE`), since',
  'all clients are at one.',
];

function machine(): string {
  const [cpu] = cpus();
  const cores = `${cpus().length} cores of ${cpu?.model ?? 'an unknown processor'}`;
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const load = (loadavg()[0] ?? 0).toFixed(1);
  return `${cores}, ${memory}, ${process.platform} ${release()} ${arch()}, Node ${process.version}, load ${load} at the end`;
}

/** Of what is measured, as it was installed. */
function versions(): readonly string[] {
  const { dependencies, optionalDependencies } = JSON.parse(
    readFileSync(join(ROOT, 'bench/package.json'), 'utf8'),
  );
  return Object.entries({ ...dependencies, ...optionalDependencies }).map(
    ([name, version]) => `${name} ${version}`,
  );
}

/** For the screen. */
export function tables(result: Result): readonly string[] {
  return [...table(result), '', ...verdictTable(result.verdicts)];
}

function verdictTable(verdicts: readonly Verdict[]): readonly string[] {
  return [
    '| What | Must be | Is | |',
    '|---|---|---|---|',
    ...verdicts.map(
      ({ what, must, is, isReached }) =>
        `| ${what} | ${must} | ${is} | ${isReached ? 'reached' : '**missed**'} |`,
    ),
  ];
}

function table(result: Result): readonly string[] {
  const { metrics, lines, comparison } = result;
  const compared = comparison === undefined ? [] : [`${comparison.metric}, of ${comparison.with}`];
  const heads = ['', ...metrics.map(({ name }) => name), ...compared];
  return [
    `| ${heads.join(' | ')} |`,
    `|${heads.map((_, index) => (index === 0 ? '---|' : '---:|')).join('')}`,
    ...lines.map((line) => `| ${cells(line, result).join(' | ')} |`),
  ];
}

function cells(line: Line, { metrics, lines, comparison }: Result): readonly string[] {
  const figures = metrics.map((metric) => figure(line, metric));
  if (comparison === undefined) return [line.who, ...figures];
  const { metric, with: other } = comparison;
  const base = lines.find(({ who }) => who === other)?.values[metric] ?? [];
  const { median, least, most } = spreadOf(ratios(line.values[metric] ?? [], base));
  const ratio = Number.isNaN(median) ? '' : `${two(median)} (${two(least)}–${two(most)})`;
  return [line.who, ...figures, ratio];
}

function figure({ values }: Line, { name, digits }: Metric): string {
  const { median, least, most } = spreadOf(values[name] ?? []);
  if (Number.isNaN(median)) return '';
  const shown = (value: number) =>
    value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${shown(median)} (${shown(least)}–${shown(most)})`;
}

function two(ratio: number): string {
  return ratio.toFixed(2);
}
