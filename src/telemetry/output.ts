import type { Clock, Timer } from '../core/ports.ts';

/** The length of all lines together that wait until they can be written, in bytes. */
const MOST_WAITING_BYTES = 1_000_000;

const AGAIN_AFTER_MS = 100;

interface OutputOptions {
  readonly clock: Clock;
  /** Returns how many of the bytes are written; throws if none can be, without waiting until they can. */
  readonly write: (bytes: Buffer) => number;
}

/**
 * Where the lines of the log go. Those that cannot be written, as to a full disk or a pipe whose reader has stopped,
 * wait; those that are too many are lost. The streams of pino would end the gateway, or hold it up for as long as the
 * reader takes; a gateway can serve without a log.
 */
export class Output {
  readonly #options: OutputOptions;
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #timer: Timer | undefined;

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#waitingBytes + bytes.length > MOST_WAITING_BYTES) return;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#timer === undefined) this.writeWaiting();
  }

  /** To be called when the process ends; otherwise a timer does. */
  writeWaiting(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    try {
      for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
        const written = this.#options.write(first);
        this.#waitingBytes -= written;
        if (written === first.length) this.#waiting.shift();
        else this.#waiting[0] = first.subarray(written);
      }
    } catch {
      this.#timer = this.#options.clock.after(AGAIN_AFTER_MS, () => this.writeWaiting());
    }
  }
}
