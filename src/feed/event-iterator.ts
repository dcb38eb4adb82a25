import { atMost } from '../core/at-most.ts';
import type { Clock } from '../core/ports.ts';
import type { FollowedEvent, Following, Taker } from './following.ts';

type Result = IteratorResult<FollowedEvent, undefined>;

/**
 * Takes the events of a `Following` one by one, when they are asked for: for event streams over HTTP/1.0, which Yoga
 * sends. All others are pushed (`transports/streams/delivery.ts`).
 *
 * Not an async generator, because a generator that is waiting cannot be ended from outside: `return()` would queue
 * behind a bell that may never ring.
 */
export class EventIterator implements AsyncIterableIterator<FollowedEvent>, Taker {
  readonly #following: Following;
  readonly #clock: Clock;
  /** Resolves when the bell rings. Each read of the log has its own. */
  #bell = Promise.withResolvers<void>();
  /** The latest pull: concurrent calls of `next` are answered one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(following: Following, clock: Clock) {
    this.#following = following;
    this.#clock = clock;
    following.ringFor(this);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    const result = this.#last.then(() => this.#pull());
    this.#last = result.catch(() => undefined);
    return result;
  }

  async return(): Promise<Result> {
    this.#following.leave();
    return { done: true, value: undefined };
  }

  readOn(): void {
    this.#bell.resolve();
  }

  async #pull(): Promise<Result> {
    try {
      for (;;) {
        // Before the log is read: a ring from here on may announce snapshots that this read misses.
        this.#bell = Promise.withResolvers();
        const taken = await this.#following.take();
        if (taken === 'end') return { done: true, value: undefined };
        if (taken !== 'wait') return { done: false, value: taken };
        await this.#waitForBell();
      }
    } catch (error) {
      // Consumers need not call `return()` on an iterator that threw.
      this.#following.end();
      throw error;
    }
  }

  /** Waits for the bell, but not longer than there is a right to the order. */
  async #waitForBell(): Promise<void> {
    const { promise } = this.#bell;
    const { expiresAt } = this.#following;
    if (expiresAt === undefined) await promise;
    else await atMost(expiresAt - this.#clock.now(), promise, this.#clock);
  }
}
