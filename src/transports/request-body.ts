import type { IncomingMessage } from 'node:http';

export interface BodyCollection {
  /** In bytes, as the request told it; above 0. */
  readonly length: number;
  readonly onBody: (body: Buffer) => void;
  /** Called before that where the body has to be waited for. */
  readonly onWait: () => void;
}

/** The whole body; or why there is none: it is too large, of which no more is kept, or its sender left. */
export async function readBody(
  request: IncomingMessage,
  mostBytes: number,
): Promise<Buffer | 'too large' | 'gone'> {
  // Node refuses a request whose length is no number.
  if (Number(request.headers['content-length'] ?? 0) > mostBytes) return 'too large';
  const { promise, resolve } = Promise.withResolvers<Buffer | 'too large' | 'gone'>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  const onData = (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > mostBytes) resolve('too large');
    else chunks.push(chunk);
  };
  request.on('data', onData);
  request.once('end', () => resolve(Buffer.concat(chunks)));
  request.once('error', () => resolve('gone'));
  request.once('close', () => resolve('gone'));
  const body = await promise;
  request.off('data', onData);
  return body;
}

/** The whole body of a request that told its length, which is not too much. Never called if its sender leaves. */
export function collectBody(
  request: IncomingMessage,
  { length, onBody, onWait }: BodyCollection,
): void {
  // By then all is parsed that came at once, which is mostly the whole request: it needs no listeners.
  process.nextTick(() => {
    if (request.readableLength === length) return onBody(request.read());
    onWait();
    waitForBody(request, onBody);
  });
}

function waitForBody(request: IncomingMessage, onBody: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.once('end', () => {
    const [first] = chunks;
    onBody(first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks));
  });
}
