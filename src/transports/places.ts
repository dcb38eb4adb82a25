import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { GatewayError } from '../errors.ts';
import type { Guard } from '../limits/guard.ts';
import { limitExceeded } from '../limits/limits.ts';
import { refusalBody, refuseUpgrade } from './refusals.ts';

const MESSAGES = {
  connections: 'The gateway has as many subscribers as it may have.',
  connections_per_address: 'Too many connections from this address.',
};

const STATUSES = {
  connections: '503 Service Unavailable',
  connections_per_address: '429 Too Many Requests',
};

/** Refuses the upgrade to a WebSocket if there is no place for one, and returns whether it did. */
export function refuseIfFull(request: IncomingMessage, socket: Duplex, guard: Guard): boolean {
  const refusal = guard.connections.refusalOf(guard.addressOf(request));
  if (refusal === undefined) return false;
  guard.onRefused(refusal);
  refuseUpgrade(socket, STATUSES[refusal], refusalBody(MESSAGES[refusal]));
  return true;
}

/** Takes a place for an event stream, out of those for WebSockets. Returns an error if there is none. */
export function enterStream(
  request: IncomingMessage,
  response: ServerResponse,
  { connections, onRefused, addressOf }: Guard,
): GatewayError | undefined {
  // The client is gone: no `close` event would give the place back.
  if (response.destroyed) return undefined;
  const address = addressOf(request);
  const refusal = connections.refusalOf(address);
  if (refusal === undefined) {
    connections.enter(address);
    response.on('close', () => connections.leave(address));
    return undefined;
  }
  onRefused(refusal);
  return limitExceeded(MESSAGES[refusal]);
}
