import { isDeepStrictEqual } from 'node:util';
import type { Running } from '../contestants.ts';
import { idOf, QUERY, rowOf } from '../rows.ts';

/** A contestant that answers with something else, or without a field, has no place in the comparison. */
export async function check({ who, url, ticket }: Running, orders: number): Promise<void> {
  // The barest one answers everything with the first.
  const indexes = who.includes('unread') ? [0] : [0, 1, orders - 1];
  for (const index of indexes) {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...(ticket === undefined ? {} : { authorization: `Bearer ${ticket}` }),
      },
      body: JSON.stringify({ query: QUERY, variables: { id: idOf(index) } }),
    });
    const text = await response.text();
    if (!isDeepStrictEqual(JSON.parse(text), { data: { topup: rowOf(index) } })) {
      throw new Error(`${who} answers ${response.status} ${text}`);
    }
  }
}
