import type { Socket } from 'node:net';
import type { FollowedEvent, Following, Sink } from '../../feed/feed.ts';
import type { Live } from '../../graphql/execution/live.ts';
import type { Rendered } from '../../graphql/execution/renderings.ts';

/**
 * Sends the events of a subscription right to the connection of its client. One is on its way at a time, so a
 * client that is slow to read holds its place in the log, and nothing is kept for it.
 */
export abstract class Delivery implements Sink {
  readonly #live: Live;
  readonly #following: Following;
  /** An event is being made, or on its way. */
  #isBusy = false;
  #hasEnded = false;

  constructor(live: Live, following: Following) {
    this.#live = live;
    this.#following = following;
  }

  /** Writes an event: what it was written to, or `undefined` where the client is gone. */
  protected abstract tell(rendered: Rendered): Socket | undefined;
  /** Says that nothing follows. */
  protected abstract tellEnd(): void;
  /** Says what went wrong, and that nothing follows. */
  protected abstract tellFault(error: unknown): void;

  protected begin(): void {
    this.#following.deliverTo(this);
  }

  /** There may be something to tell that no bell rings for. */
  protected lookAgain(): void {
    this.#following.onRing();
  }

  /** However it ends; more than once does no harm. */
  protected leave(): void {
    this.#hasEnded = true;
    void this.#live.return();
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
    this.leave();
    this.tellEnd();
  }

  fail(error: unknown): void {
    if (this.#hasEnded) return;
    this.leave();
    this.tellFault(error);
  }

  #send(rendered: Rendered): void {
    const wasBusy = this.#isBusy;
    this.#isBusy = false;
    if (this.#hasEnded) return;
    const socket = this.tell(rendered);
    if (socket === undefined) return;
    if (socket.writableLength > 0) this.#waitUntilSent(socket);
    else if (wasBusy) this.#following.resume();
  }

  /** Only where the client is slow: a callback for each message would cost as much as the message. */
  #waitUntilSent(socket: Socket): void {
    this.#isBusy = true;
    // Nothing, to be sent after all that waits before it. How that goes is of no matter here: a socket that
    // fails is closed.
    socket.write('', () => {
      this.#isBusy = false;
      this.#following.resume();
    });
  }
}
