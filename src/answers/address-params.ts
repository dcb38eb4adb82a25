import { type Params, paramsIn } from './known-operations.ts';

const NAMES: ReadonlySet<string> = new Set(['query', 'operationName', 'variables']);

/** What a client asks in an address (what comes after `?`); `undefined` for all that Yoga may have more to say of. */
export function paramsOfAddress(search: string): Params | undefined {
  try {
    const told = toldIn(search);
    if (told === undefined) return undefined;
    const { query, operationName, variables } = Object.fromEntries(told);
    // To Yoga they are not there.
    if (operationName === '' || variables === '') return undefined;
    return paramsIn({ query, operationName, variables: variables && JSON.parse(variables) });
  } catch {
    return undefined;
  }
}

/** @throws URIError where something is escaped in a way that not all read alike. */
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
