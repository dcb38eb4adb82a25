import type { Access } from '../core/access.ts';
import type { Clock, Timer } from '../core/ports.ts';
import type { FollowedEvent } from '../feed/feed.ts';
import { ticketExpired } from './rights.ts';

/**
 * The events of a subscription for as long as the ticket holds; then, as the last one, the error that says so.
 * An expired ticket never sees another event, not even one that was on its way.
 */
export class UntilExpiry implements AsyncIterableIterator<FollowedEvent> {
  readonly #events: AsyncIterableIterator<FollowedEvent, undefined>;
  readonly #clock: Clock;
  readonly #expiresAt: number;
  #timer: Timer | undefined;
  #timeIsUp = false;
  #hasEnded = false;

  constructor(
    events: AsyncIterableIterator<FollowedEvent>,
    options: { readonly expiresAt: number; readonly clock: Clock },
  ) {
    this.#events = events;
    this.#clock = options.clock;
    this.#expiresAt = options.expiresAt;
    this.#arm();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<FollowedEvent, undefined>> {
    const result = await this.#events.next();
    if (this.#hasEnded) return { done: true, value: undefined };
    const isOver = result.done === true ? this.#timeIsUp : this.#clock.now() >= this.#expiresAt;
    if (isOver) {
      await this.return();
      return { done: false, value: ticketExpired() };
    }
    if (result.done === true) this.#end();
    return result;
  }

  async return(): Promise<IteratorResult<FollowedEvent, undefined>> {
    this.#end();
    await this.#events.return?.();
    return { done: true, value: undefined };
  }

  #end(): void {
    this.#hasEnded = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    const leftMs = this.#expiresAt - this.#clock.now();
    // A clock may ring early where the wait is very long.
    this.#timer = this.#clock.after(leftMs, () => {
      if (this.#clock.now() < this.#expiresAt) this.#arm();
      else this.#stopWaiting();
    });
  }

  /** Whoever waits for the next event gets the end of these, and with it the error. */
  #stopWaiting(): void {
    this.#timeIsUp = true;
    this.#events.return?.().catch(() => undefined);
  }
}

export function whileAllowed(
  events: AsyncIterableIterator<FollowedEvent>,
  { access, clock }: { readonly access: Access; readonly clock: Clock },
): AsyncIterableIterator<FollowedEvent> {
  const { expiresAt } = access;
  return expiresAt === null ? events : new UntilExpiry(events, { expiresAt, clock });
}
