import { type Context, MessageType, stringifyMessage } from 'graphql-ws';
import type { FollowedEvent, Following, Live, Sink } from '../graphql/live.ts';
import type { Rendered } from '../graphql/renderings.ts';
import type { SocketExtra } from './client.ts';
import { forSocket } from './socket-errors.ts';
import { textFrame } from './text-frame.ts';

/** What graphql-ws knows of the socket of a subscription. */
export type PushContext = Pick<Context<undefined, SocketExtra>, 'subscriptions' | 'extra'>;

type Ended = IteratorReturnResult<undefined>;

const ENDED: Promise<Ended> = Promise.resolve({ done: true, value: undefined });

/**
 * Sends the events of a subscription right to its socket, as graphql-transport-ws has it. One is on its way at
 * a time, so a client that is slow to read holds its place in the log, and nothing is kept for it.
 *
 * To graphql-ws it is a stream, which ends as soon as it is pulled: while it waits for one, graphql-ws keeps a
 * suspended function, all that the function ever looked at and three promises, more than all the rest of a
 * subscription. Once that is over, `begin` puts the stream back where it was, among the subscriptions of its
 * socket: graphql-ws still refuses a second one of the same id, and ends this one when the client says so or
 * goes. Its last word is said here.
 */
export class Push implements Sink, AsyncIterableIterator<never> {
  readonly #context: PushContext;
  readonly #id: string;
  readonly #live: Live;
  readonly #following: Following;
  /** An event is being made, or on its way. */
  #isBusy = false;
  #hasEnded = false;

  constructor(
    { context, id }: { readonly context: PushContext; readonly id: string },
    live: Live,
    following: Following,
  ) {
    this.#context = context;
    this.#id = id;
    this.#live = live;
    this.#following = following;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Not among the subscriptions, so that the client is not told that this was the end. */
  next(): Promise<Ended> {
    delete this.#context.subscriptions[this.#id];
    this.#context.extra.client.letGo(this.#id, this);
    return ENDED;
  }

  /** graphql-ws is done with the message that asked for it. Nothing that the client says was heard in between. */
  begin(): void {
    this.#context.subscriptions[this.#id] = this;
    this.#following.deliverTo(this);
  }

  /** The client wants no more. */
  return(): Promise<Ended> {
    this.#leave();
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
    if (this.#hasEnded) return;
    this.#finish();
    this.#tell(stringifyMessage({ id: this.#id, type: MessageType.Complete }));
  }

  fail(error: unknown): void {
    if (this.#hasEnded) return;
    this.#finish();
    const payload = [forSocket(error, this.#context.extra.client.logger).toJSON()];
    this.#tell(stringifyMessage({ id: this.#id, type: MessageType.Error, payload }));
  }

  /** The id is free again. */
  #finish(): void {
    delete this.#context.subscriptions[this.#id];
    this.#leave();
  }

  /** However it ends. */
  #leave(): void {
    this.#hasEnded = true;
    void this.#live.return();
  }

  #send(rendered: Rendered): void {
    const wasBusy = this.#isBusy;
    this.#isBusy = false;
    if (this.#hasEnded) return;
    const id = JSON.stringify(this.#id);
    if (!this.#tell(`{"id":${id},"type":"next","payload":${rendered.stringify()}}`)) return;
    if (this.#context.extra.client.stream.writableLength > 0) this.#waitUntilSent();
    else if (wasBusy) this.#following.resume();
  }

  /** Whoever is gone is not told; whether it is there. */
  #tell(text: string): boolean {
    const { stream, isOpen } = this.#context.extra.client;
    if (isOpen) stream.write(textFrame(text));
    return isOpen;
  }

  /** Only where the client is slow: a callback for each message would cost as much as the message. */
  #waitUntilSent(): void {
    this.#isBusy = true;
    // Nothing, to be sent after all that waits before it. How that goes is of no matter here: a socket that
    // fails is closed.
    this.#context.extra.client.stream.write('', () => {
      this.#isBusy = false;
      this.#following.resume();
    });
  }
}
