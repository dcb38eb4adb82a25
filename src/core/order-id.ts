/**
 * The id of an order in the spelling that everything here uses, or `undefined` for a text that cannot be
 * one. Every id ever seen is a Mongo ObjectId, 24 hex digits of either case; nobody states that it must
 * be, so other short words pass as they are.
 */
export function parseOrderId(text: string): string | undefined {
  if (/^[0-9a-fA-F]{24}$/.test(text)) return text.toLowerCase();
  return /^[A-Za-z0-9_-]{1,64}$/.test(text) ? text : undefined;
}

export const ORDER_ID_EXPECTED =
  'an order id as OneClickDz gives it: 24 hexadecimal digits (letters, digits, "_" and "-", at most 64, are accepted)';

/**
 * When the upstream took an order, Unix milliseconds to the second: a Mongo ObjectId begins with it.
 * `undefined` for an id that is none.
 */
export function creationTimeOf(orderId: string): number | undefined {
  return /^[0-9a-f]{24}$/.test(orderId)
    ? Number.parseInt(orderId.slice(0, 8), 16) * 1_000
    : undefined;
}
