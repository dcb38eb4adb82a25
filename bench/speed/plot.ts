/** `bench/results/speed.svg`: one panel of bars for each scenario with a comparison. */
import { OURS } from './contestants.ts';
import type { Line, Result } from './result.ts';
import { spreadOf } from './statistics.ts';

const WIDTH = 960;
const LEFT = 300;
const RIGHT = 850;
const TOP = 50;
const ROW = 22;
const BAR = 14;
/** `HEAD` is the space for the title above the bars of a panel, `GAP` the space below them. */
const HEAD = 34;
const GAP = 18;

const OURS_COLOUR = '#15803d';
const OTHER_COLOUR = '#94a3b8';

interface Panel {
  readonly title: string;
  readonly metric: string;
  readonly lines: readonly Line[];
  readonly top: number;
}

export function plot(results: readonly Result[]): string {
  const panels = panelsOf(results);
  const last = panels.at(-1);
  const height = last === undefined ? TOP : last.top + heightOf(last.lines);
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="Helvetica, Arial, sans-serif" font-size="13">`,
    '<title>The gateway beside the bare machine and its peers</title>',
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text('The gateway beside the bare machine and its peers, one core each', {
      x: 24,
      y: 32,
      rest: 'font-size="18" font-weight="bold" fill="#111827"',
    }),
    ...panels.flatMap(drawn),
    '</svg>',
  ].join('\n')}\n`;
}

/** A panel for each result whose lines are compared by one metric. */
function panelsOf(results: readonly Result[]): readonly Panel[] {
  const panels: Panel[] = [];
  let top = TOP;
  for (const { title, comparison, lines } of results) {
    if (comparison === undefined) continue;
    const { metric } = comparison;
    const shown = lines.filter(({ values }) => (values[metric] ?? []).length > 0);
    panels.push({ title: title.replaceAll('`', ''), metric, lines: shown, top });
    top += heightOf(shown);
  }
  return panels;
}

function heightOf(lines: readonly Line[]): number {
  return HEAD + lines.length * ROW + GAP;
}

function drawn({ title, metric, lines, top }: Panel): readonly string[] {
  const most = Math.max(...lines.map(({ values }) => spreadOf(values[metric] ?? []).most));
  const heading = { x: 24, y: top + 22, rest: 'font-weight="bold" fill="#111827"' };
  return [
    text(`${title}: ${metric}`, heading),
    ...lines.flatMap((line, index) =>
      bar(line, { metric, most, y: top + HEAD + index * ROW + ROW / 2 }),
    ),
  ];
}

/** A bar from 0 to the median, with a thin line from the lowest to the highest value of the rounds. */
function bar(
  { who, values }: Line,
  { metric, most: end, y }: { readonly metric: string; readonly most: number; readonly y: number },
): readonly string[] {
  const { median, least, most } = spreadOf(values[metric] ?? []);
  const x = (value: number) => rounded(LEFT + (Math.max(0, value) / end) * (RIGHT - LEFT));
  const colour = who.startsWith(OURS) ? OURS_COLOUR : OTHER_COLOUR;
  const digits = median < 100 ? 1 : 0;
  const shown = median.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return [
    text(who, { x: LEFT - 10, y: y + 4, rest: 'text-anchor="end" fill="#374151"' }),
    `<rect x="${LEFT}" y="${y - BAR / 2}" width="${rounded(x(median) - LEFT)}" height="${BAR}" fill="${colour}"/>`,
    `<line x1="${x(least)}" x2="${x(most)}" y1="${y}" y2="${y}" stroke="#111827" stroke-width="1.5"/>`,
    text(shown, { x: x(most) + 8, y: y + 4, rest: 'fill="#374151"' }),
  ];
}

function rounded(coordinate: number): number {
  return Math.round(coordinate * 10) / 10;
}

function text(
  words: string,
  { x, y, rest }: { readonly x: number; readonly y: number; readonly rest: string },
): string {
  return `<text x="${rounded(x)}" y="${rounded(y)}" ${rest}>${words}</text>`;
}
