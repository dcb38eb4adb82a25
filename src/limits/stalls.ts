import type { Socket } from 'node:net';
import type { Clock, Timer } from '../core/ports.ts';

export interface StallsOptions {
  readonly clock: Clock;
  /** How long something may wait for a client without any of it going out. */
  readonly timeoutMs: number;
}

interface Watched {
  onStall: () => void;
  flushed: number;
  since: number;
}

const LOOKS_PER_TIMEOUT = 4;

/**
 * Finds connections whose client has stopped reading. One that is slow but reads is left alone: what it
 * can hold back is small, since a subscriber has no queue.
 */
export class Stalls {
  readonly #options: StallsOptions;
  readonly #watched = new Map<Socket, Watched>();
  #timer: Timer | undefined;

  constructor(options: StallsOptions) {
    this.#options = options;
  }

  /** Watches a connection until it is closed, or says how to end it from now on. */
  watch(socket: Socket, onStall: () => void): void {
    const known = this.#watched.get(socket);
    if (known !== undefined) {
      known.onStall = onStall;
      return;
    }
    this.#watched.set(socket, {
      onStall,
      flushed: flushedOf(socket),
      since: this.#options.clock.now(),
    });
    socket.on('close', () => this.#watched.delete(socket));
    this.#timer ??= this.#lookLater();
  }

  #lookLater(): Timer {
    const { clock, timeoutMs } = this.#options;
    return clock.after(timeoutMs / LOOKS_PER_TIMEOUT, () => this.#look());
  }

  #look(): void {
    this.#timer = undefined;
    const now = this.#options.clock.now();
    for (const [socket, watched] of this.#watched) {
      const flushed = flushedOf(socket);
      if (socket.writableLength === 0 || flushed !== watched.flushed) {
        watched.flushed = flushed;
        watched.since = now;
      } else if (now - watched.since >= this.#options.timeoutMs) {
        this.#watched.delete(socket);
        watched.onStall();
      }
    }
    if (this.#watched.size > 0) this.#timer = this.#lookLater();
  }
}

/** Bytes that were handed to the operating system. */
function flushedOf(socket: Socket): number {
  return socket.bytesWritten - socket.writableLength;
}
