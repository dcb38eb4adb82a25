import type { Clock } from '../core/ports.ts';

/** What may go wrong on the wire, below HTTP's meaning. Everything here ends when the signal aborts. */

/** As `fetch` fails on a connection that the other side broke. */
export class ConnectionReset extends TypeError {
  override readonly name = 'TypeError';

  constructor() {
    const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    super('fetch failed', { cause });
  }
}

/** Waits for nothing but the caller's patience. */
export function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    onAbort(signal, reject);
  });
}

export async function pause(
  clock: Clock,
  delayMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = clock.after(delayMs, resolve);
    onAbort(signal, (reason) => {
      timer.cancel();
      reject(reason);
    });
  });
}

const CHUNK = new Uint8Array(64 * 1_024).fill(0x20);

/** Blanks, made as they are read: a JSON parser would wait for the end of them. */
export function longBody(bytes: number, signal: AbortSignal | undefined): ReadableStream {
  let left = bytes;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        onAbort(signal, (reason) => controller.error(reason));
      },
      pull(controller) {
        controller.enqueue(CHUNK.subarray(0, Math.min(left, CHUNK.byteLength)));
        left -= CHUNK.byteLength;
        if (left <= 0) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

/** The beginning of a body, and never its end. */
export function stalledBody(beginning: string, signal: AbortSignal | undefined): ReadableStream {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      onAbort(signal, (reason) => controller.error(reason));
      controller.enqueue(new TextEncoder().encode(beginning));
    },
  });
}

function onAbort(signal: AbortSignal | undefined, callback: (reason: unknown) => void): void {
  if (signal?.aborted) callback(signal.reason);
  else signal?.addEventListener('abort', () => callback(signal.reason), { once: true });
}
