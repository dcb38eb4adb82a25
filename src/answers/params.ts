/** The GraphQL parameters of a usual request, from its body or its query string. */
export interface Params {
  readonly query: string;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>> | null;
}

/** The parameters in the body of a usual request; `undefined` for any other, which is left to Yoga. */
export function paramsOfBody(body: Buffer): Params | undefined {
  return paramsIn(parsed(body));
}

const NAMES: ReadonlySet<string> = new Set(['query', 'operationName', 'variables']);

/** The parameters in a usual query string (what comes after `?`); `undefined` for any other, which is left to Yoga. */
export function paramsOfAddress(search: string): Params | undefined {
  try {
    const told = toldIn(search);
    // What comes after `#` is no part of the query string, so Yoga does not read it.
    if (told === undefined || search.includes('#')) return undefined;
    const { query, operationName, variables } = Object.fromEntries(told);
    // Yoga treats empty parameters as absent.
    if (operationName === '' || variables === '') return undefined;
    return paramsIn({ query, operationName, variables: variables && JSON.parse(variables) });
  } catch {
    return undefined;
  }
}

/**
 * `undefined` if a parameter is unknown or given twice.
 *
 * @throws URIError for malformed percent-encoding, which parsers read differently.
 */
function toldIn(search: string): ReadonlyMap<string, string> | undefined {
  const told = new Map<string, string>();
  for (const part of search.split('&')) {
    const mark = part.indexOf('=');
    const name = part.slice(0, Math.max(mark, 0));
    if (!NAMES.has(name) || told.has(name)) return undefined;
    told.set(name, decodeURIComponent(part.slice(mark + 1).replaceAll('+', ' ')));
  }
  return told;
}

/** The parameters that a client sent; `undefined` if they are not of the usual form. */
function paramsIn(told: unknown): Params | undefined {
  if (!isObject(told)) return undefined;
  const { query, operationName = null, variables = null, ...others } = told;
  if (Object.keys(others).length > 0 || typeof query !== 'string') return undefined;
  if (operationName !== null && typeof operationName !== 'string') return undefined;
  if (variables !== null && !isObject(variables)) return undefined;
  return { query, operationName, variables };
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
