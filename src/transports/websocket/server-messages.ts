import { MessageType } from 'graphql-ws';
import { parseJson } from '../../core/parse-json.ts';

const SERVER_TYPES: ReadonlySet<unknown> = new Set([
  MessageType.ConnectionAck,
  MessageType.Next,
  MessageType.Error,
]);

/** Only `\u` could spell the letters of a type in another way, so any other text need not be parsed. */
const MAY_BE_OF_SERVER = /"(?:connection_ack|next|error)"|\\u/;

/**
 * Whether a message is of a type that only servers send. By itself graphql-ws would take it for a fault of the gateway.
 * It could look for these with a reviver, which makes JSON up to eighty times as costly to parse.
 */
export function isServerMessage(text: string): boolean {
  return MAY_BE_OF_SERVER.test(text) && SERVER_TYPES.has(Object(parseJson(text)).type);
}
