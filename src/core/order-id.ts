import { HOUR_MS } from './durations.ts';

/**
 * Normalises an order id: hex digits become lower case. `undefined` for a text that cannot be an order id.
 * Every id seen so far is a Mongo ObjectId, 24 hex digits of either case, but the upstream does not document
 * that, so other short words pass unchanged.
 */
export function parseOrderId(text: string): string | undefined {
  if (/^[0-9a-fA-F]{24}$/.test(text)) return text.toLowerCase();
  return /^[A-Za-z0-9_-]{1,64}$/.test(text) ? text : undefined;
}

export const ORDER_ID_EXPECTED =
  'an order id as OneClickDz gives it, usually 24 hexadecimal digits; up to 64 letters, digits, "_" and "-" are accepted';

/**
 * When the upstream created an order, in Unix milliseconds but exact only to the second: the first eight digits
 * of a Mongo ObjectId. `undefined` for an id that is not an ObjectId in lower case.
 */
export function creationTimeOf(orderId: string): number | undefined {
  return /^[0-9a-f]{24}$/.test(orderId)
    ? Number.parseInt(orderId.slice(0, 8), 16) * 1_000
    : undefined;
}

const OLDEST_MS = 24 * HOUR_MS;
/** The upstream's clock may be ahead of ours. */
const MOST_AHEAD_MS = HOUR_MS;

/**
 * `creationTimeOf`, unless that is more than a day before `now` or an hour after it: it may be an id of another kind.
 */
export function recentCreationOf(orderId: string, now: number): number | undefined {
  const createdAt = creationTimeOf(orderId);
  const isRecent =
    createdAt !== undefined && createdAt >= now - OLDEST_MS && createdAt <= now + MOST_AHEAD_MS;
  return isRecent ? createdAt : undefined;
}
