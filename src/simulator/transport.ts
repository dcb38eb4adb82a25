import type { Clock } from '../core/ports.ts';

/** Faults of the transport, below HTTP. Everything here that waits ends when the signal aborts. */

/** The error with which `fetch` fails if the other side resets the connection. */
export class ConnectionReset extends TypeError {
  override readonly name = 'TypeError';

  constructor() {
    const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    super('fetch failed', { cause });
  }
}

/** Never resolves; rejects when the signal aborts. */
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

/** A body of blanks, generated as it is read. JSON may begin with blanks, so a parser would read on to the end. */
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

/** A body that stops after its beginning and never ends. */
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
