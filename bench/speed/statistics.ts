export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spreadOf(values: readonly number[]): Spread {
  return {
    median: percentile(values, 50),
    least: percentile(values, 0),
    most: percentile(values, 100),
  };
}

/** The percentile of the values, interpolated linearly between the two nearest; NaN if there are no values. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = Float64Array.from(values).sort();
  const place = (percent / 100) * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/**
 * The ratios of two contestants' values, round by round. The rounds of all contestants are interleaved, so whatever
 * slows the machine down for a while slows both.
 */
export function ratios(values: readonly number[], others: readonly number[]): readonly number[] {
  return values.flatMap((value, round) => {
    const other = others[round];
    return other === undefined ? [] : [value / other];
  });
}
