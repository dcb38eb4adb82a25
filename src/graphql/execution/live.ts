import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  validateSubscriptionArgs,
} from 'graphql';
import type { FollowedEvent, Following } from '../../feed/following.ts';
import type { GraphQLContext, OwnTurns } from '../context.ts';
import type { Rendered, Rendering, Renderings } from './renderings.ts';

/** A running subscription: its events, and how they are rendered for its subscriber. */
export class Live implements AsyncIterableIterator<Rendered> {
  /** The source of the events, from which a pump can deliver them if they are not pulled here. */
  readonly following: Following;
  readonly #renderings: Renderings;
  readonly #rendering: Rendering;
  readonly #turns: OwnTurns | undefined;
  /** Made for the first pull. */
  #events: AsyncIterator<FollowedEvent, undefined> | undefined;
  #isOver = false;

  constructor(following: Following, args: ExecutionArgs, renderings: Renderings) {
    this.following = following;
    this.#renderings = renderings;
    this.#rendering = renderings.take(args);
    this.#turns = (args.contextValue as GraphQLContext).turns;
  }

  get document(): DocumentNode {
    return this.#rendering.document;
  }

  /** The length of the variables and of all else that is kept besides the document. */
  get keyLength(): number {
    return this.#rendering.keyLength;
  }

  /**
   * Synchronous if the event is rendered already, or if it is the subscriber's turn and no field has to wait. Without
   * turns, a client that follows an order in ten thousand ways would hold up everybody while each is rendered.
   * `undefined` if the subscriber has left meanwhile.
   */
  render(event: FollowedEvent): Rendered | Promise<Rendered | undefined> {
    const turn = this.#rendering.has(event) ? undefined : this.#turns?.take();
    return turn === undefined ? this.#rendering.of(event) : this.#renderAfter(turn, event);
  }

  async #renderAfter(turn: Promise<void>, event: FollowedEvent): Promise<Rendered | undefined> {
    await turn;
    return this.#isOver ? undefined : this.#rendering.of(event);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Rendered, undefined>> {
    this.#events ??= this.following[Symbol.asyncIterator]();
    try {
      const { done, value } = await this.#events.next();
      const rendered = done ? undefined : await this.render(value);
      if (rendered !== undefined) return { done: false, value: rendered };
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
