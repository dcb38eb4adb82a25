import type { Socket } from 'node:net';
import type { Clock, Timer } from '../core/ports.ts';

interface StallsOptions {
  readonly clock: Clock;
  /** How long bytes may be queued for a client without any of them going out. */
  readonly timeoutMs: number;
}

/** Told when a client has stopped reading. */
export interface Stallable {
  stalled(socket: Socket): void;
}

/** A connection with queued bytes: how many had gone out before, and since when none have. */
interface Waiting {
  flushed: number;
  since: number;
}

const LOOKS_PER_TIMEOUT = 4;

/**
 * Finds connections whose client has stopped reading. A client that reads slowly is left alone: little can be queued
 * for it, since a subscriber has no queue of events.
 */
export class Stalls {
  readonly #options: StallsOptions;
  readonly #watched = new Map<Socket, Stallable>();
  /** Connections that were added after the last look. */
  readonly #new = new Set<Socket>();
  readonly #waiting = new Map<Socket, Waiting>();
  #lookedAt = 0;
  #timer: Timer | undefined;

  constructor(options: StallsOptions) {
    this.#options = options;
  }

  /** Watches a connection until `forget`. Called again for the same connection, it replaces whom to tell. */
  watch(socket: Socket, told: Stallable): void {
    if (!this.#watched.has(socket)) this.#new.add(socket);
    this.#watched.set(socket, told);
    this.#timer ??= this.#lookLater();
  }

  forget(socket: Socket): void {
    this.#watched.delete(socket);
    this.#new.delete(socket);
    this.#waiting.delete(socket);
  }

  #lookLater(): Timer {
    const { clock, timeoutMs } = this.#options;
    return clock.after(timeoutMs / LOOKS_PER_TIMEOUT, () => this.#look());
  }

  #look(): void {
    this.#timer = undefined;
    const now = this.#options.clock.steady();
    // Not `for … of`, which makes an array for each entry: there are thousands.
    this.#watched.forEach((told, socket) => {
      if (!this.#isStalled(socket, now)) return;
      this.forget(socket);
      told.stalled(socket);
    });
    this.#new.clear();
    this.#lookedAt = now;
    if (this.#watched.size > 0) this.#timer = this.#lookLater();
  }

  #isStalled(socket: Socket, now: number): boolean {
    if (socket.writableLength === 0) {
      this.#waiting.delete(socket);
      return false;
    }
    const flushed = flushedOf(socket);
    const waiting = this.#waiting.get(socket);
    if (waiting?.flushed === flushed) return now - waiting.since >= this.#options.timeoutMs;
    // Bytes may have waited since the last look, if nothing was queued then; if some have gone out, only from now on.
    const since = waiting === undefined && !this.#new.has(socket) ? this.#lookedAt : now;
    this.#waiting.set(socket, { flushed, since });
    return false;
  }
}

/** How many bytes have been handed to the operating system. */
function flushedOf(socket: Socket): number {
  return socket.bytesWritten - socket.writableLength;
}
