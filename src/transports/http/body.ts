import type { IncomingMessage } from 'node:http';

interface BodyCollection {
  /** The `content-length` of the request, in bytes; above 0. */
  readonly length: number;
  readonly onBody: (body: Buffer) => void;
  /** Called before `onBody` if the body has not arrived completely. */
  readonly onWait: () => void;
}

/** The whole body. `too large`: it exceeds `mostBytes`, and nothing more of it is kept. `gone`: the client left. */
export async function readBody(
  request: IncomingMessage,
  mostBytes: number,
): Promise<Buffer | 'too large' | 'gone'> {
  // Always a number: Node refuses a request whose length is not.
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

/** Reads the whole body of a request whose length is within the limit. If the client leaves, `onBody` is not called. */
export function collectBody(
  request: IncomingMessage,
  { length, onBody, onWait }: BodyCollection,
): void {
  // By then Node has parsed all that arrived together with the head, usually the whole body: no listeners are needed.
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
