import { parseJson } from '../core/parse-json.ts';

/** The GraphQL parameters of a usual request, from its body or its query string. */
export interface Params {
  readonly query: string;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>> | null;
}

/** The parameters in the body of a usual request; `undefined` for any other, which is left to Yoga. */
export function paramsOfBody(body: Buffer): Params | undefined {
  return paramsIn(parseJson(body.toString('utf8')));
}

const NAMES: ReadonlySet<string> = new Set(['query', 'operationName', 'variables']);

/** The parameters in a usual query string (what comes after `?`); `undefined` for any other, which is left to Yoga. */
export function paramsOfAddress(search: string): Params | undefined {
  try {
    const given = parametersIn(search);
    // What comes after `#` is no part of the query string, so Yoga does not read it.
    if (given === undefined || search.includes('#')) return undefined;
    const { query, operationName, variables } = Object.fromEntries(given);
    // Yoga treats an empty parameter as absent.
    if (operationName === '') return undefined;
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
function parametersIn(search: string): ReadonlyMap<string, string> | undefined {
  const parameters = new Map<string, string>();
  for (const part of search.split('&')) {
    const mark = part.indexOf('=');
    const name = part.slice(0, Math.max(mark, 0));
    if (!NAMES.has(name) || parameters.has(name)) return undefined;
    parameters.set(name, decodeURIComponent(part.slice(mark + 1).replaceAll('+', ' ')));
  }
  return parameters;
}

/** The parameters that a client sent; `undefined` if they are not of the usual form. */
function paramsIn(sent: unknown): Params | undefined {
  if (!isObject(sent)) return undefined;
  const { query, operationName = null, variables = null, ...others } = sent;
  if (Object.keys(others).length > 0 || typeof query !== 'string') return undefined;
  if (operationName !== null && typeof operationName !== 'string') return undefined;
  if (variables !== null && !isObject(variables)) return undefined;
  return { query, operationName, variables };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
