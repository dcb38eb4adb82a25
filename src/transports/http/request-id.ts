import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Up to the last group of a UUID: `xxxxxxxx-xxxx-xxxx-xxxx-`. */
const PREFIX_LENGTH = 24;
const COUNT_DIGITS = 12;

/** Ids by which the log lines of a request can be found. They are unique, and not secret. */
export class RequestIds {
  readonly #prefix = randomUUID().slice(0, PREFIX_LENGTH);
  #count = 0;

  /** The caller's own request id if it is well-formed, so that logs on both sides can be joined; else a new one. */
  of({ headers }: IncomingMessage): string {
    const given = headers['x-request-id'];
    return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : this.#next();
  }

  /** In the form of a UUID. To draw a new one for each request would cost more. */
  #next(): string {
    this.#count += 1;
    return this.#prefix + this.#count.toString(16).padStart(COUNT_DIGITS, '0');
  }
}
