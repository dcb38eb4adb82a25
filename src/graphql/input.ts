import { type Cursor, decodeCursor } from '../core/cursor.ts';
import { ORDER_ID_EXPECTED, parseOrderId } from '../core/order-id.ts';
import { GatewayError } from '../errors.ts';

/** @throws GatewayError `BAD_USER_INPUT` */
export function toOrderId(text: string): string {
  const orderId = parseOrderId(text);
  if (orderId !== undefined) return orderId;
  throw new GatewayError('BAD_USER_INPUT', `\`id\` must be ${ORDER_ID_EXPECTED}.`);
}

/** Seconds to milliseconds. @throws GatewayError `BAD_USER_INPUT` */
export function toMaxAgeMs(maxAgeSeconds: number | null | undefined): number | undefined {
  if (maxAgeSeconds == null) return undefined;
  if (maxAgeSeconds >= 0) return maxAgeSeconds * 1_000;
  throw new GatewayError(
    'BAD_USER_INPUT',
    `\`maxAge\` must be a number of seconds from 0 up, but is ${maxAgeSeconds}.`,
  );
}

/** @throws GatewayError `BAD_USER_INPUT` for a text that is no cursor of any gateway. */
export function toCursor(text: string | null | undefined): Cursor | undefined {
  if (text == null) return undefined;
  const cursor = decodeCursor(text);
  if (cursor !== undefined) return cursor;
  throw new GatewayError(
    'BAD_USER_INPUT',
    '`after` must be the `cursor` of an earlier event; leave it out to start with the latest.',
  );
}
