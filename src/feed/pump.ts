import type { FollowedEvent, Following, Taken, Taker } from './following.ts';

/** Receives events as they come. */
export interface Sink {
  /** Whether the sink can take another event now. If not, it calls `Pump.readOn` once it can. */
  readonly isReady: boolean;
  event(event: FollowedEvent): void;
  /** No further event follows. */
  end(): void;
  /** The log or the sink itself failed. No further event follows. */
  fail(error: unknown): void;
}

/**
 * Delivers the events of a `Following` to a sink, as fast as the sink takes them. It does so synchronously as long as
 * no read has to be awaited: a promise for each of thousands of subscribers would cost more than all the rest.
 */
export class Pump implements Taker {
  readonly #following: Following;
  readonly #sink: Sink;
  /** `rung`: the bell has rung since the read began, so the read may have missed something. */
  #state: 'idle' | 'reading' | 'rung' | 'over' = 'idle';

  /** Begins with the first call of `readOn`. */
  constructor(following: Following, sink: Sink) {
    this.#following = following;
    this.#sink = sink;
    following.ringFor(this);
  }

  /** To be called when there may be events, and when the sink can take events again. */
  readOn(): void {
    if (this.#state === 'idle') this.#pump();
    else if (this.#state === 'reading') this.#state = 'rung';
  }

  #pump(): void {
    try {
      while (this.#sink.isReady) {
        this.#state = 'reading';
        const taken = this.#following.take();
        if (taken instanceof Promise) {
          taken.then((late) => this.#handLate(late)).catch((error: unknown) => this.#fail(error));
          return;
        }
        if (!this.#hand(taken)) return;
      }
      this.#state = 'idle';
    } catch (error) {
      this.#fail(error);
    }
  }

  #handLate(taken: Taken): void {
    if (this.#hand(taken)) this.#pump();
  }

  /** Returns whether to read on at once. */
  #hand(taken: Taken): boolean {
    if (taken === 'wait') {
      const mayHaveMissed = this.#state === 'rung';
      this.#state = 'idle';
      return mayHaveMissed;
    }
    if (taken === 'end') {
      this.#state = 'over';
      this.#sink.end();
      return false;
    }
    this.#sink.event(taken);
    return true;
  }

  #fail(error: unknown): void {
    this.#state = 'over';
    this.#following.end();
    this.#sink.fail(error);
  }
}
