/** RFC 9110, 5.6.7: all three forms begin with the name of a day. `Date.parse` takes far more, such as `-5`. */
const HTTP_DATE = /^[A-Z][a-z]{2,8},? /;

/** Unix milliseconds; `undefined` for anything else. */
export function parseHttpDate(text: string): number | undefined {
  const time = HTTP_DATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
