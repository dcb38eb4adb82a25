import type { Socket } from 'node:net';
import { CloseCode, type Server } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Logger } from '../core/ports.ts';

/** What the hooks of graphql-ws are given of a socket. */
export interface SocketExtra extends Record<PropertyKey, unknown> {
  readonly socket: WebSocket;
  /** What is below it. */
  readonly stream: Socket;
  /** Where the request for it came from. Not the request itself: it is larger than all the rest of a socket. */
  readonly address: string;
  readonly authorization: string | undefined;
}

/**
 * Has graphql-ws speak its protocol over a socket of `ws`. In place of its own adapter, which sets a timer for
 * each socket, takes a client that goes in the middle for a fault of the operation, and writes to the console as
 * often as clients have it do so.
 */
export function speakGraphQL(
  server: Server<SocketExtra>,
  extra: SocketExtra,
  logger: Logger,
): void {
  const { socket } = extra;
  const closed = server.opened(
    {
      protocol: socket.protocol,
      send: (text) => send(socket, text),
      close: (code, reason) => socket.close(code, reason),
      onMessage: (take) =>
        socket.on('message', (data) => {
          take(String(data)).catch((error: unknown) => {
            const name = error instanceof Error ? error.name : typeof error;
            logger.error({ error: name }, 'a message on a socket could not be answered');
            socket.close(CloseCode.InternalServerError, 'Internal server error');
          });
        }),
    },
    extra,
  );
  // It closes by itself. Without a listener the process would end.
  socket.on('error', () => undefined);
  socket.once('close', (code, reason) => {
    closed(code, String(reason)).catch((error: unknown) => {
      const name = error instanceof Error ? error.name : typeof error;
      logger.error({ error: name }, 'a socket could not be closed tidily');
    });
  });
}

/** Whoever is gone is not told: the end of the socket ends the operation. */
function send(socket: WebSocket, text: string): Promise<void> {
  if (socket.readyState !== socket.OPEN) return Promise.resolve();
  return new Promise((resolve) => socket.send(text, () => resolve()));
}
