/** `bench/results/speed.md`, and the same tables for the terminal. */
import { CLIENT, CONNECTIONS } from './load.ts';
import { versions } from './machine.ts';
import type { Line, Measured, Metric, Result, Verdict } from './result.ts';
import { ratios, spreadOf } from './statistics.ts';

export function report(all: readonly Measured[]): string {
  return `${[
    '# Speed',
    '',
    '![The gateway beside the bare machine and its peers](speed.svg)',
    '',
    `Made by \`npm run bench\`; load comes from ${CLIENT}, ${CONNECTIONS} connections`,
    'that are kept alive, one request at a time on each.',
    ...METHOD,
    '',
    `Versions: ${versions().join(', ')}.`,
    '',
    '## What must be reached',
    '',
    ...verdictTable(all.flatMap(({ result }) => result.verdicts)),
    ...all.flatMap((measured) => ['', ...section(measured)]),
  ].join('\n')}\n`;
}

function section({ result, rounds, seconds, machine }: Measured): readonly string[] {
  return [
    `## ${result.title}`,
    '',
    ...result.explanation,
    '',
    ...table(result),
    '',
    `\`npm run bench -- ${result.scenario} --rounds ${rounds} --seconds ${seconds}\` on ${machine}.`,
  ];
}

const METHOD = [
  'Each contestant is a process of its own, pinned to core 0; clients and the upstream are on core 1. The rounds of all',
  'contestants are interleaved. A figure is the median of the rounds, in brackets the least and the most; a ratio is',
  'taken round by round, and then its median. All answer the same query with the same fields, which is checked before.',
  'The limits of the gateway on connections and lookups of one address are raised by its variables',
  '(`MAX_CONNECTIONS`, `MAX_CONNECTIONS_PER_ADDRESS`, `UNCACHED_LOOKUPS_PER_MINUTE`, `UPSTREAM_CALLS_PER_MINUTE`, `REQUEST_TIMEOUT_MS`), since',
  'all clients are at one.',
];

/** The tables of one result, for the terminal. */
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
