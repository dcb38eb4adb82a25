import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Pipelined responses that wait for an earlier one on the same connection. Node closes them with the connection, but not
 * once the client has sent an `Upgrade` or CONNECT request on it: then they would never be closed. This class does it.
 */
export class QueuedAnswers {
  readonly #bySocket = new WeakMap<Socket, Set<ServerResponse>>();

  /** Must be called with each response when its request arrives. */
  watch(response: ServerResponse): void {
    // A response that has the socket is closed with it.
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
