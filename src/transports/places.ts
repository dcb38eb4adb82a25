import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { GatewayError } from '../errors.ts';
import type { Guard } from '../limits/guard.ts';
import { limitExceeded } from '../limits/refusal.ts';
import { refusalBody, refuseUpgrade } from './refusals.ts';

const MESSAGES = {
  connections: 'The gateway has as many subscribers as it may have.',
  connections_per_address: 'Too many connections from this address.',
};

const STATUSES = {
  connections: '503 Service Unavailable',
  connections_per_address: '429 Too Many Requests',
};

/** Takes a place for a WebSocket, or answers that there is none. */
export function enterSocket(request: IncomingMessage, socket: Duplex, guard: Guard): boolean {
  const place = guard.connections.enter(guard.addressOf(request));
  if (typeof place === 'function') {
    socket.on('close', place);
    return true;
  }
  guard.onRefused(place);
  refuseUpgrade(socket, STATUSES[place], refusalBody(MESSAGES[place]));
  return false;
}

/** Takes a place for an event stream, one of the same; or tells why there is none. */
export function enterStream(
  request: IncomingMessage,
  response: ServerResponse,
  guard: Guard,
): GatewayError | undefined {
  const place = guard.connections.enter(guard.addressOf(request));
  if (typeof place === 'function') {
    response.once('close', place);
    return undefined;
  }
  guard.onRefused(place);
  return limitExceeded(MESSAGES[place]);
}
