import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Answers that wait for an earlier one on the same connection. Node closes them together with it, but not where the
 * client has asked for another protocol meanwhile (`Upgrade`, CONNECT): whoever waits for their end would wait for good.
 */
export class QueuedAnswers {
  readonly #bySocket = new WeakMap<Socket, Set<ServerResponse>>();

  /** To be told of each answer as its request comes. */
  watch(response: ServerResponse): void {
    // It has the connection to itself, and is closed with it.
    if (response.socket !== null) return;
    const queued = this.#queuedOn(response.req.socket);
    queued.add(response);
    response.on('close', () => queued.delete(response));
  }

  #queuedOn(socket: Socket): Set<ServerResponse> {
    const known = this.#bySocket.get(socket);
    if (known !== undefined) return known;
    const queued = new Set<ServerResponse>();
    this.#bySocket.set(socket, queued);
    socket.once('close', () => {
      for (const response of queued) response.destroy();
    });
    return queued;
  }
}
