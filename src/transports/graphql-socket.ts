import type { IncomingMessage } from 'node:http';
import { CloseCode, type Server } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Logger } from '../core/ports.ts';

/** What the hooks of graphql-ws are given of a socket. */
export interface SocketExtra extends Record<PropertyKey, unknown> {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
}

/**
 * Has graphql-ws speak its protocol over a socket of `ws`. Ours, since its own adapter sets a timer for each
 * socket and writes to the console.
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
  socket.once('close', (code, reason) => {
    closed(code, String(reason)).catch((error: unknown) => {
      const name = error instanceof Error ? error.name : typeof error;
      logger.error({ error: name }, 'a socket could not be closed tidily');
    });
  });
}

/** To one that is closed already nothing is sent, and nobody has to know. */
function send(socket: WebSocket, text: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  if (socket.readyState !== socket.OPEN) resolve();
  else socket.send(text, (error) => (error ? reject(error) : resolve()));
  return promise;
}
