import type { IncomingMessage } from 'node:http';
import { CloseCode, type Server } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Logger } from '../core/ports.ts';

/** What the hooks of graphql-ws are told of a socket. */
export interface SocketExtra {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
}

export interface SessionOptions {
  readonly server: Server<SocketExtra>;
  /** How often a client is asked for a sign of life, and how long it may take to give one. */
  readonly keepAliveMs: number;
  readonly logger: Logger;
}

/**
 * Has graphql-ws speak over a socket. In place of its own adapter, which takes a client that goes in the middle
 * for a fault of the operation, and writes to the console as often as clients have it do so.
 */
export function openSession({ socket, request }: SocketExtra, options: SessionOptions): void {
  const { server, keepAliveMs, logger } = options;
  const closed = server.opened(
    {
      protocol: socket.protocol,
      send: (text) => send(socket, text),
      close: (code, reason) => socket.close(code, reason),
      onMessage: (take) =>
        socket.on('message', (data) => {
          take(String(data)).catch((error: unknown) => {
            const name = error instanceof Error ? error.name : typeof error;
            logger.error({ error: name }, 'a WebSocket message could not be handled');
            socket.close(CloseCode.InternalServerError, 'Internal server error');
          });
        }),
    },
    { socket, request },
  );
  // It closes by itself. Without a listener the process would end.
  socket.on('error', () => undefined);
  socket.once('close', (code, reason) => void closed(code, String(reason)));
  keepAlive(socket, keepAliveMs);
}

/** Whoever is gone is not told: the end of the socket ends the operation. */
function send(socket: WebSocket, text: string): Promise<void> {
  if (socket.readyState !== WebSocket.OPEN) return Promise.resolve();
  return new Promise((resolve) => socket.send(text, () => resolve()));
}

/** In real time, whatever clock the gateway goes by: the network has no other. */
function keepAlive(socket: WebSocket, everyMs: number): void {
  let isAlive = true;
  socket.on('pong', () => {
    isAlive = true;
  });
  const timer = setInterval(() => {
    if (!isAlive) socket.terminate();
    isAlive = false;
    if (socket.readyState === WebSocket.OPEN) socket.ping();
  }, everyMs);
  socket.once('close', () => clearInterval(timer));
}
