import type { FollowedEvent, Following, Live, Sink } from '../graphql/live.ts';
import type { Rendered } from '../graphql/renderings.ts';
import type { Client } from './client.ts';

type Ended = IteratorReturnResult<undefined>;

const ENDED: Ended = { done: true, value: undefined };

/**
 * Sends the events of a subscription right to its socket, as graphql-transport-ws has it. One is on its way at
 * a time, so a client that is slow to read holds its place in the log, and nothing is kept for it.
 *
 * To graphql-ws it is a stream that gives nothing and ends where the events do; the rest of the protocol, the
 * last word too, is its own.
 */
export class Push implements Sink, AsyncIterableIterator<never> {
  readonly #client: Client;
  readonly #live: Live;
  readonly #following: Following;
  readonly #id: string;
  /** Tells graphql-ws that there are no more; there once it waits for it. */
  #finish: ((end: Ended | Promise<Ended>) => void) | undefined = undefined;
  /** An event is being made, or on its way. */
  #isBusy = false;
  #hasEnded = false;

  constructor(
    { client, id }: { readonly client: Client; readonly id: string },
    live: Live,
    following: Following,
  ) {
    this.#client = client;
    this.#live = live;
    this.#following = following;
    this.#id = id;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Begins when it is pulled, which graphql-ws does once. */
  next(): Promise<Ended> {
    const over = new Promise<Ended>((resolve) => {
      this.#finish = resolve;
    });
    this.#following.deliverTo(this);
    return over;
  }

  async return(): Promise<Ended> {
    this.end();
    return ENDED;
  }

  get isReady(): boolean {
    return !this.#isBusy && !this.#hasEnded;
  }

  event(event: FollowedEvent): void {
    const rendered = this.#live.render(event);
    if (!(rendered instanceof Promise)) {
      this.#send(rendered);
      return;
    }
    this.#isBusy = true;
    rendered.then((late) => this.#send(late)).catch((error: unknown) => this.fail(error));
  }

  end(): void {
    this.#finish?.(ENDED);
    this.#leave();
  }

  fail(error: unknown): void {
    this.#finish?.(Promise.reject(error));
    this.#leave();
  }

  /** However it ends: nobody calls `return()` on a stream that came to its end, or that threw. */
  #leave(): void {
    this.#hasEnded = true;
    void this.#live.return();
  }

  #send(rendered: Rendered): void {
    const wasBusy = this.#isBusy;
    this.#isBusy = false;
    const { socket, stream, isOpen } = this.#client;
    if (this.#hasEnded || !isOpen) return;
    const id = JSON.stringify(this.#id);
    socket.send(`{"id":${id},"type":"next","payload":${rendered.stringify()}}`);
    if (stream.writableLength > 0) this.#waitUntilSent();
    else if (wasBusy) this.#following.resume();
  }

  /** Only where the client is slow: a callback for each message would cost as much as the message. */
  #waitUntilSent(): void {
    this.#isBusy = true;
    // Nothing, to be sent after all that waits before it. How that goes is of no matter here: a socket that
    // fails is closed.
    this.#client.stream.write('', () => {
      this.#isBusy = false;
      this.#following.resume();
    });
  }
}
