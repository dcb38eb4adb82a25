import type { Socket } from 'node:net';
import { CloseCode, type WebSocket as ProtocolSocket, type Server } from 'graphql-ws';
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
  const closed = server.opened(new SpokenSocket(socket, logger), extra);
  // It closes by itself. Without a listener the process would end.
  socket.on('error', ignore);
  socket.on('close', (code, reason) => {
    closed(code, String(reason)).catch((error: unknown) => {
      logger.error({ error: nameOf(error) }, 'a socket could not be closed tidily');
    });
  });
}

/** What graphql-ws needs of a socket. A class, since thousands of sockets would each have the functions anew. */
class SpokenSocket implements ProtocolSocket {
  readonly #socket: WebSocket;
  readonly #logger: Logger;

  constructor(socket: WebSocket, logger: Logger) {
    this.#socket = socket;
    this.#logger = logger;
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  /** Whoever is gone is not told: the end of the socket ends the operation. */
  send(text: string): Promise<void> {
    if (this.#socket.readyState !== this.#socket.OPEN) return Promise.resolve();
    return new Promise((resolve) => this.#socket.send(text, () => resolve()));
  }

  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
  }

  onMessage(take: (text: string) => Promise<void>): void {
    this.#socket.on('message', (data) => {
      take(String(data)).catch((error: unknown) => {
        this.#logger.error({ error: nameOf(error) }, 'a message on a socket could not be answered');
        this.#socket.close(CloseCode.InternalServerError, 'Internal server error');
      });
    });
  }
}

function ignore(): void {}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
