import type { Socket } from 'node:net';
import {
  type CompleteMessage,
  type Context,
  type ErrorMessage,
  MessageType,
  stringifyMessage,
} from 'graphql-ws';
import type { Following } from '../../feed/feed.ts';
import type { Live } from '../../graphql/execution/live.ts';
import type { Rendered } from '../../graphql/execution/renderings.ts';
import { Delivery } from '../streams/delivery.ts';
import { forStream } from '../streams/errors.ts';
import type { SocketExtra } from './client.ts';
import { textFrame } from './text-frame.ts';

/** What graphql-ws knows of the socket of a subscription. */
export type PushContext = Pick<Context<undefined, SocketExtra>, 'subscriptions' | 'extra'>;

type Ended = IteratorReturnResult<undefined>;

const ENDED: Promise<Ended> = Promise.resolve({ done: true, value: undefined });

/**
 * The events of a subscription over a WebSocket, as graphql-transport-ws has it.
 *
 * To graphql-ws it is a stream, which ends as soon as it is pulled: while it waits for one, graphql-ws keeps a
 * suspended function, all that the function ever looked at and three promises, more than all the rest of a
 * subscription. Once that is over, `begin` puts the stream back where it was, among the subscriptions of its
 * socket: graphql-ws still refuses a second one of the same id, and ends this one when the client says so or
 * goes. Its last word is said here.
 */
export class Push extends Delivery implements AsyncIterableIterator<never> {
  readonly #context: PushContext;
  readonly #id: string;

  constructor(
    { context, id }: { readonly context: PushContext; readonly id: string },
    live: Live,
    following: Following,
  ) {
    super(live, following);
    this.#context = context;
    this.#id = id;
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
  override begin(): void {
    this.#context.subscriptions[this.#id] = this;
    super.begin();
  }

  /** The client wants no more. */
  return(): Promise<Ended> {
    this.leave();
    return ENDED;
  }

  protected tell(rendered: Rendered): Socket | undefined {
    const id = JSON.stringify(this.#id);
    return this.#write(`{"id":${id},"type":"next","payload":${rendered.stringify()}}`);
  }

  protected tellEnd(): void {
    this.#finish({ id: this.#id, type: MessageType.Complete });
  }

  protected tellFault(error: unknown): void {
    const payload = [forStream(error, this.#context.extra.client.logger).toJSON()];
    this.#finish({ id: this.#id, type: MessageType.Error, payload });
  }

  /** The id is free again. */
  #finish(lastWord: CompleteMessage | ErrorMessage): void {
    delete this.#context.subscriptions[this.#id];
    this.#write(stringifyMessage(lastWord));
  }

  /** Whoever is gone is not told. */
  #write(text: string): Socket | undefined {
    const { stream, isOpen } = this.#context.extra.client;
    if (!isOpen) return undefined;
    stream.write(textFrame(text));
    return stream;
  }
}
