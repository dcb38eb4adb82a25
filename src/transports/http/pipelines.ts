import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** How many requests of one connection may wait for an earlier response. Hardly any client sends even two at once. */
const MOST_WAITING = 16;

/**
 * Requests that a client sends before it has the response to an earlier one. Each waits until the earlier responses are
 * out: handled at once, they and their responses would pile up behind a response that is late, or that nobody reads.
 */
export class Pipelines {
  readonly #waiting = new WeakMap<Socket, number>();
  readonly #onRefused: () => void;

  /** @param onRefused called when a connection is closed because too many of its requests wait. */
  constructor(onRefused: () => void) {
    this.#onRefused = onRefused;
  }

  /** Calls `handle` when it is the request's turn; never if the connection is closed before. */
  inTurn(request: IncomingMessage, response: ServerResponse, handle: () => void): void {
    // Node gives a response its socket when the earlier ones are out.
    if (response.socket !== null) {
      handle();
      return;
    }
    const { socket } = request;
    const waiting = (this.#waiting.get(socket) ?? 0) + 1;
    if (waiting > MOST_WAITING) {
      this.#onRefused();
      socket.destroy();
      return;
    }
    this.#waiting.set(socket, waiting);
    response.once('socket', () => {
      this.#waiting.set(socket, (this.#waiting.get(socket) ?? 1) - 1);
      handle();
    });
  }
}
