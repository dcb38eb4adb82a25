/** Shorter names, such as `HOST`, are too like others of an ordinary environment. */
const SHORTEST_NAME = 8;
/** Up to this length a single slip is forgiven, beyond it two. */
const SHORT_NAME = 12;

/** Variables of other programs that differ from ours by a letter or two. */
const OF_OTHERS = /^(AUTH0|OAUTH2?|MIN)_/;

/**
 * The known name that an unknown one was probably meant to be: the one that is a slip or two away, or has its unit left
 * out. `undefined` if it is like none.
 */
export function meantBy(name: string, known: readonly string[]): string | undefined {
  if (OF_OTHERS.test(name)) return undefined;
  const upper = name.toUpperCase();
  return known.find((each) => {
    if (each === `${upper}_MS`) return true;
    const slips = each.length <= SHORT_NAME ? 1 : 2;
    if (each.length < SHORTEST_NAME || Math.abs(each.length - name.length) > slips) return false;
    return slipsBetween(upper, each) <= slips;
  });
}

/** Letters left out, added, changed, or swapped with the next one: the Damerau-Levenshtein distance. */
function slipsBetween(one: string, other: string): number {
  let before: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= one.length; row += 1) {
    const next = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const isSame = one[row - 1] === other[column - 1];
      const isSwapped = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      next.push(
        Math.min(
          at(last, column) + 1,
          at(next, column - 1) + 1,
          at(last, column - 1) + (isSame ? 0 : 1),
          isSwapped ? at(before, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    [before, last] = [last, next];
  }
  return at(last, other.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
