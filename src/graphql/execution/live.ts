import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  validateSubscriptionArgs,
} from 'graphql';
import { type FollowedEvent, Following } from '../../feed/following.ts';
import type { Rendered, Rendering, Renderings } from './renderings.ts';

/** A running subscription: its events, and how they are rendered for its subscriber. */
export class Live implements AsyncIterableIterator<Rendered> {
  readonly #events: AsyncIterator<FollowedEvent>;
  readonly #renderings: Renderings;
  readonly #rendering: Rendering;
  #isOver = false;

  constructor(events: AsyncIterator<FollowedEvent>, args: ExecutionArgs, renderings: Renderings) {
    this.#events = events;
    this.#renderings = renderings;
    this.#rendering = renderings.take(args);
  }

  /** The source of the events, from which a sink can have them delivered; `undefined` if they can only be pulled. */
  get following(): Following | undefined {
    return this.#events instanceof Following ? this.#events : undefined;
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
    await this.#events.return?.();
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
  // The schema has one subscription, and its events are of one kind.
  const events = stream[Symbol.asyncIterator]() as AsyncIterator<FollowedEvent>;
  return new Live(events, args, renderings);
}
