/** `bench/results/polling.svg`: lag by orders in progress, both on a logarithmic scale. */
import { boundName, type Row } from './rows.ts';

const WIDTH = 960;
const HEIGHT = 580;
const LEFT = 64;
const RIGHT = 716;
const TOP = 76;
const BOTTOM = 510;

const MOST_ORDERS = 1_000;
const LEAST_SECONDS = 0.14;
const MOST_SECONDS = 60;
const ORDER_TICKS = [1, 5, 10, 40, 100, 400, 1_000];
const SECOND_TICKS = [0.2, 0.5, 1, 2, 5, 10, 20, 50];

/** If each order costs a call of its own, 120 calls a minute are enough for this many orders in progress. */
const CAPACITY = 49;

/** Above this share of lost orders, a mark is hollow: it shows the lag of only those that were not lost. */
const MANY_LOST = 0.1;

/** The distance between lines of text beside the plot. */
const LABEL_HEIGHT = 17;

interface Line {
  readonly who: string;
  readonly label: string;
  readonly colour: string;
  readonly isBound: boolean;
  /** Whether each order costs a call of its own, which ends the line at the capacity. */
  readonly isLimited: boolean;
}

const LINES: readonly Line[] = [
  ...(['unusable', 'without cards', 'with cards'] as const).map((list) => ({
    who: boundName(list),
    label: `lower bound, list ${list}`,
    colour: '#8b95a1',
    isBound: true,
    isLimited: list !== 'with cards',
  })),
  {
    who: "vendor's loop",
    label: "vendor's loop",
    colour: '#c2410c',
    isBound: false,
    isLimited: false,
  },
  gatewayLine('unusable', '#7c3aed'),
  gatewayLine('without cards', '#0369a1'),
  gatewayLine('with cards', '#15803d'),
];

function gatewayLine(list: string, colour: string): Line {
  const who = `gateway, list ${list}`;
  return { who, label: who, colour, isBound: false, isLimited: list !== 'with cards' };
}

export function plot(rows: readonly Row[]): string {
  const lines = LINES.map((line) => ({ line, rows: rowsOf(line, rows) }));
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="Helvetica, Arial, sans-serif" font-size="13">`,
    '<title>Lag against orders in progress</title>',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    ...heading(),
    ...axes(),
    ...lines.flatMap((each) => drawn(each.line, each.rows)),
    ...labels(lines),
    ...losses(lines),
    '</svg>',
  ].join('\n')}\n`;
}

function rowsOf({ who, isLimited }: Line, rows: readonly Row[]): readonly Row[] {
  return rows
    .filter((row) => row.who === who && Number.isFinite(row.meanSeconds))
    .filter(({ inProgress }) => !isLimited || inProgress <= CAPACITY);
}

function heading(): readonly string[] {
  return [
    text('How long a settled order stays unseen, at 120 calls a minute', {
      x: LEFT,
      y: 30,
      rest: 'font-size="18" font-weight="bold" fill="#111827"',
    }),
    text(
      'seconds: mean (solid) and 95th percentile (dashed); hollow: of the orders that were not lost',
      {
        x: LEFT,
        y: 54,
        rest: 'fill="#4b5563"',
      },
    ),
  ];
}

function axes(): readonly string[] {
  const grid = 'stroke="#e5e7eb"';
  const grey = 'fill="#4b5563"';
  const middle = 'text-anchor="middle"';
  return [
    ...SECOND_TICKS.flatMap((seconds) => [
      path([at(1, seconds), at(MOST_ORDERS, seconds)], grid),
      text(`${seconds}`, { x: LEFT - 10, y: yOf(seconds) + 4, rest: `${grey} text-anchor="end"` }),
    ]),
    ...ORDER_TICKS.flatMap((orders) => [
      path([at(orders, LEAST_SECONDS), at(orders, MOST_SECONDS)], grid),
      text(orders.toLocaleString('en'), {
        x: xOf(orders),
        y: BOTTOM + 20,
        rest: `${grey} ${middle}`,
      }),
    ]),
    text('orders in progress', {
      x: (LEFT + RIGHT) / 2,
      y: BOTTOM + 46,
      rest: `${grey} ${middle}`,
    }),
    path(
      [at(CAPACITY, LEAST_SECONDS), at(CAPACITY, MOST_SECONDS)],
      'stroke="#9ca3af" stroke-dasharray="2 4"',
    ),
    ...['beyond, fewer calls', 'than new orders'].map((words, index) =>
      text(words, {
        x: xOf(CAPACITY) + 8,
        y: TOP + 16 + index * 15,
        rest: 'font-size="12" fill="#6b7280"',
      }),
    ),
  ];
}

function drawn({ colour, isBound }: Line, rows: readonly Row[]): readonly string[] {
  const means = rows.map((row) => at(row.inProgress, row.meanSeconds));
  const p95s = rows.map((row) => at(row.inProgress, row.p95Seconds));
  if (isBound) return [path(means, `stroke="${colour}" stroke-width="1"`)];
  return [
    path(p95s, `stroke="${colour}" stroke-width="1.5" stroke-dasharray="6 4" opacity="0.65"`),
    path(means, `stroke="${colour}" stroke-width="2.5"`),
    ...rows.map((row, index) => {
      const [x, y] = means[index] ?? [0, 0];
      const fill = losesMany(row) ? '#ffffff' : colour;
      return `<circle cx="${x}" cy="${y}" r="4" fill="${fill}" stroke="${colour}" stroke-width="2"/>`;
    }),
  ];
}

interface DrawnLine {
  readonly line: Line;
  readonly rows: readonly Row[];
}

/** The name of each line, beside the plot at the height of the line's end, or below the previous name. */
function labels(lines: readonly DrawnLine[]): readonly string[] {
  const placed = lines
    .flatMap(({ line, rows }) => {
      const last = rows.at(-1);
      return last === undefined ? [] : [{ line, last, y: yOf(last.meanSeconds) }];
    })
    .sort((one, other) => one.y - other.y);
  let free = Number.NEGATIVE_INFINITY;
  return placed.flatMap(({ line, last, y }) => {
    const [x, own] = at(last.inProgress, last.meanSeconds);
    const height = Math.max(y, free);
    free = height + LABEL_HEIGHT;
    return [
      path(
        [
          [x + 6, own],
          [RIGHT + 8, height],
        ],
        `stroke="${line.colour}" stroke-width="0.5"`,
      ),
      text(line.label, {
        x: RIGHT + 14,
        y: height + 4,
        rest: `fill="${line.isBound ? '#6b7280' : line.colour}"`,
      }),
    ];
  });
}

/** The share of lost orders, at each hollow mark. */
function losses(lines: readonly DrawnLine[]): readonly string[] {
  return lines.flatMap(({ line, rows }) =>
    rows.filter(losesMany).map((row) =>
      text(`${Math.round(lostPart(row) * 100)} % lost`, {
        x: xOf(row.inProgress),
        y: yOf(row.meanSeconds) + 20,
        rest: `font-size="11" fill="${line.colour}" text-anchor="middle" ${HALO}`,
      }),
    ),
  );
}

function losesMany(row: Row): boolean {
  return lostPart(row) > MANY_LOST;
}

function lostPart({ measured }: Row): number {
  return measured === undefined ? 0 : measured.unfinished / measured.orders;
}

/** Keeps text legible in front of lines. */
const HALO = 'stroke="#ffffff" stroke-width="3" paint-order="stroke"';

type Point = readonly [x: number, y: number];

function at(inProgress: number, seconds: number): Point {
  return [xOf(inProgress), yOf(seconds)];
}

function xOf(inProgress: number): number {
  const part = Math.log(inProgress) / Math.log(MOST_ORDERS);
  return rounded(LEFT + part * (RIGHT - LEFT));
}

function yOf(seconds: number): number {
  const part = Math.log(seconds / LEAST_SECONDS) / Math.log(MOST_SECONDS / LEAST_SECONDS);
  return rounded(BOTTOM - part * (BOTTOM - TOP));
}

function rounded(coordinate: number): number {
  return Math.round(coordinate * 10) / 10;
}

function path(points: readonly Point[], rest: string): string {
  return `<polyline fill="none" ${rest} points="${points.map(([x, y]) => `${x},${y}`).join(' ')}"/>`;
}

function text(
  words: string,
  { x, y, rest }: { readonly x: number; readonly y: number; readonly rest: string },
): string {
  return `<text x="${rounded(x)}" y="${rounded(y)}" ${rest}>${words}</text>`;
}
