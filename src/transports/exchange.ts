import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Drain } from './drain.ts';

/** One request, and its answer. */
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

  /** A shutdown waits for it, from now on until it is over. */
  enter(): void {
    if (this.#leave !== undefined) return;
    this.#leave = this.#drain.enter();
    this.response.on('close', this.#leave);
  }

  /** A shutdown waits for it no longer. */
  leave(): void {
    if (this.#leave === undefined) return;
    // A stream is open for long after.
    this.response.off('close', this.#leave);
    this.#leave();
  }
}
