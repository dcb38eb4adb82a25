import type { Socket } from 'node:net';
import type { FollowedEvent } from '../../feed/following.ts';
import { Pump, type Sink } from '../../feed/pump.ts';
import type { Live } from '../../graphql/execution/live.ts';
import type { Rendered } from '../../graphql/execution/renderings.ts';

/**
 * Sends the events of a subscription directly to the connection of its client. Only one event is on its way at a time:
 * a client that reads slowly keeps its position in the log, and nothing is queued for it.
 */
export abstract class Delivery implements Sink {
  readonly #live: Live;
  readonly #pump: Pump;
  /** An event is being rendered or sent. */
  #isBusy = false;
  #hasEnded = false;

  constructor(live: Live) {
    this.#live = live;
    this.#pump = new Pump(live.following, this);
  }

  /** Writes an event. Returns the socket that it was written to, or `undefined` if the client is gone. */
  protected abstract tell(rendered: Rendered, event: FollowedEvent): Socket | undefined;
  /** Tells the client that nothing follows. */
  protected abstract tellEnd(): void;
  /** Tells the client what went wrong, and that nothing follows. */
  protected abstract tellFault(error: unknown): void;

  protected get live(): Live {
    return this.#live;
  }

  /** Begins to deliver. Later calls only read on, although no bell has rung. */
  protected readOn(): void {
    this.#pump.readOn();
  }

  /** Ends the delivery, for whatever reason. More than one call does no harm. */
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
      this.#send(rendered, event);
      return;
    }
    this.#isBusy = true;
    rendered.then((late) => this.#send(late, event)).catch((error: unknown) => this.fail(error));
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

  #send(rendered: Rendered | undefined, event: FollowedEvent): void {
    const wasBusy = this.#isBusy;
    this.#isBusy = false;
    if (this.#hasEnded || rendered === undefined) return;
    const socket = this.tell(rendered, event);
    if (socket === undefined) return;
    if (socket.writableLength > 0) this.#waitUntilSent(socket);
    else if (wasBusy) this.readOn();
  }

  /** Used only while the client is slow: a callback for each message would cost as much as the message. */
  #waitUntilSent(socket: Socket): void {
    this.#isBusy = true;
    // An empty write: its callback runs once everything queued before it is sent. Its error needs no handling, since a
    // socket that fails is closed.
    socket.write('', () => {
      this.#isBusy = false;
      this.readOn();
    });
  }
}
