import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Drain } from '../drain.ts';

/** One request and its response. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly #drain: Drain;
  #leave: (() => void) | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, drain: Drain) {
    this.request = request;
    this.response = response;
    this.#drain = drain;
  }

  /** From now on a shutdown waits until the response is closed. */
  enter(): void {
    if (this.#leave !== undefined) return;
    this.#leave = this.#drain.enter();
    this.response.on('close', this.#leave);
  }

  /** A shutdown no longer waits for this response. */
  leave(): void {
    if (this.#leave === undefined) return;
    // An event stream would keep the listener for as long as it is open.
    this.response.off('close', this.#leave);
    this.#leave();
  }
}
