import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { networkOf } from '../../limits/address.ts';
import { Connections } from '../../limits/connections.ts';
import type { Guard } from '../../limits/guard.ts';
import type { Limits } from '../../limits/limits.ts';
import type { Stallable } from '../../limits/stalls.ts';
import { refusalBody, refuseUpgrade } from '../refusals.ts';

/**
 * How many TCP connections are allowed for each place of a subscriber: with all places taken, queries and health checks
 * still come through.
 */
const CONNECTIONS_TO_A_PLACE = 2;

/** The longest interval between two searches for requests that take too long. */
const LONGEST_CHECK_MS = 5_000;

/**
 * How long a connection of a proxy may lie idle. Longer than proxies keep theirs (nginx a minute, Caddy two): a POST
 * that a proxy sends just as we close its connection is lost, and its client is told 502.
 */
const PROXY_IDLE_MS = 125_000;
/** Of others, shorter: it takes one of the places that the address has. */
const IDLE_MS = 5_000;

/**
 * The limits that Node enforces: on an idle connection, a request that is sent a byte at a time, a half-sent upgrade.
 */
export function serverLimits({ requestTimeoutMs, trustedProxies }: Limits): ServerOptions {
  return {
    keepAliveTimeout: trustedProxies > 0 ? PROXY_IDLE_MS : IDLE_MS,
    headersTimeout: requestTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(LONGEST_CHECK_MS, requestTimeoutMs),
  };
}

/** Limits TCP connections, whatever protocol they carry. */
export function guardServer(server: Server, guard: Guard): void {
  const { limits, onRefused, stalls } = guard;
  const most = limits.connections * CONNECTIONS_TO_A_PLACE;
  const ofAddress = limits.connectionsPerAddress * CONNECTIONS_TO_A_PLACE;
  // Behind a trusted proxy, all connections come from one address.
  const mostPerAddress = limits.trustedProxies > 0 ? most : ofAddress;
  const connections = new Connections({ most, mostPerAddress });
  const addresses = new WeakMap<Socket, string>();
  const latest = new WeakMap<Socket, ServerResponse>();
  // One listener for all connections, since thousands are open at a time.
  function onClose(this: Socket): void {
    connections.leave(addresses.get(this) ?? '');
    stalls.forget(this);
  }
  const slow: Stallable = {
    stalled(socket) {
      onRefused('slow_client');
      socket.destroy();
    },
  };
  server.on('connection', (socket: Socket) => {
    const address = networkOf(socket.remoteAddress ?? 'unknown');
    const refusal = connections.refusalOf(address);
    if (refusal !== undefined) {
      onRefused(refusal);
      socket.on('error', () => socket.destroy());
      refuseUpgrade(socket, '503 Service Unavailable', refusalBody('Too many connections.'));
      return;
    }
    connections.enter(address);
    addresses.set(socket, address);
    socket.on('close', onClose);
    stalls.watch(socket, slow);
  });
  server.on('request', ({ socket }: IncomingMessage, response) => latest.set(socket, response));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const { status, limit } = faultOf(error.code);
    // Browsers open connections that they may come to need: one that is never used has met no limit.
    if (limit !== undefined && socket.bytesRead > 0) onRefused(limit);
    // In the middle of a response, the client would take the refusal for a part of it; in the middle of a request that
    // has its response, for the response to the next one.
    const response = latest.get(socket);
    const isBetween =
      response === undefined || (response.writableFinished && response.req.complete);
    if (socket.writable && (isBetween || socket.bytesWritten === 0)) refuseUpgrade(socket, status);
    else socket.destroy();
  });
}

function faultOf(code: string | undefined) {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: '408 Request Timeout', limit: 'request_timeout' } as const;
    case 'HPE_HEADER_OVERFLOW':
      return { status: '431 Request Header Fields Too Large', limit: 'headers' } as const;
    default:
      return { status: '400 Bad Request', limit: undefined };
  }
}
