import type { WebSocket } from 'ws';
import type { Clock, Timer } from '../core/ports.ts';

export interface PulseOptions {
  readonly clock: Clock;
  /** How often a client is asked for a sign of life, and how long it may take to give one. */
  readonly intervalMs: number;
}

/** Each socket is asked when it is due, to so much of an interval. */
const LOOKS_PER_INTERVAL = 8;

interface Watched {
  askAt: number;
  /** When it was last asked, while it has not answered. */
  askedAt: number | undefined;
}

/** Asks the clients of all sockets for signs of life, by one timer, and cuts off those that give none. */
export class Pulse {
  readonly #options: PulseOptions;
  readonly #watched = new Map<WebSocket, Watched>();
  #timer: Timer | undefined;

  constructor(options: PulseOptions) {
    this.#options = options;
  }

  /** Until the socket is closed. */
  watch(socket: WebSocket): void {
    const { clock, intervalMs } = this.#options;
    const watched: Watched = { askAt: clock.now() + intervalMs, askedAt: undefined };
    this.#watched.set(socket, watched);
    socket.on('pong', () => {
      watched.askedAt = undefined;
    });
    socket.on('close', () => this.#watched.delete(socket));
    this.#timer ??= this.#lookLater();
  }

  #lookLater(): Timer {
    const { clock, intervalMs } = this.#options;
    return clock.after(intervalMs / LOOKS_PER_INTERVAL, () => this.#look());
  }

  #look(): void {
    this.#timer = undefined;
    const { clock, intervalMs } = this.#options;
    const now = clock.now();
    for (const [socket, watched] of this.#watched) {
      if (watched.askedAt !== undefined && now - watched.askedAt >= intervalMs) socket.terminate();
      else if (now >= watched.askAt && socket.readyState === socket.OPEN) {
        watched.askAt = now + intervalMs;
        watched.askedAt ??= now;
        socket.ping();
      }
    }
    if (this.#watched.size > 0) this.#timer = this.#lookLater();
  }
}
