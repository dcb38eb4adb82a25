const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Parses a duration such as `90s`, `10m`, `12h` or `90d` to milliseconds.
 *
 * @throws RangeError for anything else; the message says what was expected.
 */
export function parseDuration(text: string): number {
  const [, digits = '', unit = ''] = /^([1-9]\d{0,5})([smhd])$/.exec(text) ?? [];
  const unitMs = UNITS_MS[unit];
  if (unitMs === undefined) {
    throw new RangeError(
      `expected a time such as 90s, 10m, 12h or 90d; got ${JSON.stringify(text)}`,
    );
  }
  return Number(digits) * unitMs;
}
