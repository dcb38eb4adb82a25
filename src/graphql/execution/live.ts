import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  validateSubscriptionArgs,
} from 'graphql';
import type { FollowedEvent, Following } from '../../feed/following.ts';
import type { Rendered, Rendering, Renderings } from './renderings.ts';

/** A running subscription: its events, and how they are rendered for its subscriber. */
export class Live implements AsyncIterableIterator<Rendered> {
  /** The source of the events, from which a pump can deliver them if they are not pulled here. */
  readonly following: Following;
  readonly #renderings: Renderings;
  readonly #rendering: Rendering;
  /** Made for the first pull. */
  #events: AsyncIterator<FollowedEvent, undefined> | undefined;
  #isOver = false;

  constructor(following: Following, args: ExecutionArgs, renderings: Renderings) {
    this.following = following;
    this.#renderings = renderings;
    this.#rendering = renderings.take(args);
  }

  get document(): DocumentNode {
    return this.#rendering.document;
  }

  /** The length of the variables and of all else that is kept besides the document. */
  get keyLength(): number {
    return this.#rendering.keyLength;
  }

  render(event: FollowedEvent): Rendered | Promise<Rendered> {
    return this.#rendering.of(event);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Rendered, undefined>> {
    this.#events ??= this.following[Symbol.asyncIterator]();
    try {
      const { done, value } = await this.#events.next();
      if (!done) return { done: false, value: await this.#rendering.of(value) };
    } catch (error) {
      // Consumers need not call `return()` on an iterator that threw.
      await this.return();
      throw error;
    }
    return this.return();
  }

  async return(): Promise<IteratorResult<Rendered, undefined>> {
    if (!this.#isOver) this.#renderings.giveBack(this.#rendering);
    this.#isOver = true;
    this.following.leave();
    return { done: true, value: undefined };
  }
}

/** Subscribes as graphql-js does, except that subscribers with the same operation share the rendering of each event. */
export async function subscribeLive(
  args: ExecutionArgs,
  renderings: Renderings,
): Promise<Live | ExecutionResult> {
  const validated = validateSubscriptionArgs(args);
  if (!('schema' in validated)) return { errors: validated };
  const stream = await createSourceEventStream(validated);
  if (!(Symbol.asyncIterator in stream)) return stream;
  // The schema has one subscription, and it follows an order.
  return new Live(stream as Following, args, renderings);
}
