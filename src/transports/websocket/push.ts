import type { Socket } from 'node:net';
import {
  type CompleteMessage,
  type Context,
  type ErrorMessage,
  MessageType,
  stringifyMessage,
} from 'graphql-ws';
import { GatewayError } from '../../errors.ts';
import type { FollowedEvent } from '../../feed/following.ts';
import type { Live } from '../../graphql/execution/live.ts';
import type { Rendered } from '../../graphql/execution/renderings.ts';
import { Delivery } from '../streams/delivery.ts';
import { forStream } from '../streams/errors.ts';
import type { SocketExtra } from './client.ts';
import type { Held } from './held.ts';
import { textFrame } from './text-frame.ts';

/** The context that graphql-ws keeps for the socket of a subscription. */
export type PushContext = Pick<Context<undefined, SocketExtra>, 'subscriptions' | 'extra'>;

type Ended = IteratorReturnResult<undefined>;

const ENDED: Promise<Ended> = Promise.resolve({ done: true, value: undefined });

/**
 * Sends the events of a subscription over a WebSocket, in the graphql-transport-ws protocol.
 *
 * To graphql-ws this is a stream that ends at the first pull. While graphql-ws waits for a stream, it keeps a suspended
 * function with all that the function refers to, and three promises: more memory than all the rest of a subscription.
 * Once graphql-ws has finished with the ended stream, `begin` puts the subscription back among those of the socket. So
 * graphql-ws still refuses a second subscription with the same id, and ends this one when the client completes it or
 * disconnects. The last message of the subscription is sent here.
 */
export class Push extends Delivery implements AsyncIterableIterator<never> {
  readonly #context: PushContext;
  readonly #id: string;

  constructor({ context, id }: { readonly context: PushContext; readonly id: string }, live: Live) {
    super(live);
    this.#context = context;
    this.#id = id;
  }

  get held(): Held {
    const { document, keyLength } = this.live;
    return { document, characters: keyLength + this.#id.length };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the stream for graphql-ws. Without an entry among the subscriptions, graphql-ws sends no `complete`. */
  next(): Promise<Ended> {
    delete this.#context.subscriptions[this.#id];
    this.#context.extra.client.beginLater(this.#id, this);
    return ENDED;
  }

  /** Called right after graphql-ws has handled the message that asked for the subscription: no other comes between. */
  begin(): void {
    this.#context.subscriptions[this.#id] = this;
    this.readOn();
  }

  /** The client has completed the subscription or has disconnected. */
  return(): Promise<Ended> {
    this.leave();
    return ENDED;
  }

  /** An event may come after the ticket has expired, and before its deadline is looked at. */
  override event(event: FollowedEvent): void {
    const hasExpired = event instanceof GatewayError && event.code === 'UNAUTHENTICATED';
    if (hasExpired) this.#context.extra.client.expire();
    else super.event(event);
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

  /** Frees the id and sends the last message. */
  #finish(lastWord: CompleteMessage | ErrorMessage): void {
    delete this.#context.subscriptions[this.#id];
    this.#write(stringifyMessage(lastWord));
  }

  /** `undefined` if the client is gone. */
  #write(text: string): Socket | undefined {
    const { stream, isOpen } = this.#context.extra.client;
    if (!isOpen) return undefined;
    stream.write(textFrame(text));
    return stream;
  }
}
