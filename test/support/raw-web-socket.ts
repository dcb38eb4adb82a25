import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connectTo } from './raw-http.ts';

export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const CONTINUATION = 0;

export interface Frame {
  readonly opcode: number;
  readonly payload?: string | Buffer;
  /** Whether it is the last of its message. */
  readonly isLast?: boolean;
  /** The three bits that are reserved. */
  readonly reserved?: number;
  readonly isMasked?: boolean;
  /** The length that it says it has, where that is not the one it has. */
  readonly claimedBytes?: number;
}

/** A frame as it goes over the wire, valid or not. Its mask is zero, and so hides nothing. */
export function encodeFrame(frame: Frame): Buffer {
  const { opcode, isLast = true, reserved = 0, isMasked = true } = frame;
  const { payload: given = '' } = frame;
  const payload = typeof given === 'string' ? Buffer.from(given) : given;
  const bytes = frame.claimedBytes ?? payload.length;
  const first = (isLast ? 0x80 : 0) | (reserved << 4) | opcode;
  const mask = isMasked ? 0x80 : 0;
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(bytes));
  const head =
    bytes < 126
      ? [first, mask | bytes]
      : bytes < 65_536
        ? [first, mask | 126, ...length.subarray(6)]
        : [first, mask | 127, ...length];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(isMasked ? 4 : 0), payload]);
}

export const HANDSHAKE = [
  'GET /graphql HTTP/1.1',
  'Host: 127.0.0.1',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol: graphql-transport-ws',
  '\r\n',
].join('\r\n');

/** A WebSocket below the frames: whatever bytes are to go over it. */
export class RawWebSocket {
  readonly socket: Socket;
  #told: Uint8Array;

  private constructor(socket: Socket, told: Uint8Array = Buffer.alloc(0)) {
    this.socket = socket;
    this.#told = told;
    socket.on('data', (chunk: Buffer) => {
      this.#told = Buffer.concat([this.#told, chunk]);
    });
  }

  static async open(port: number, handshake = HANDSHAKE): Promise<RawWebSocket> {
    const socket = await connectTo(port);
    socket.write(handshake);
    const [head]: Buffer[] = await once(socket, 'data');
    if (!String(head).startsWith('HTTP/1.1 101 ')) throw new Error(String(head));
    // The first frames may have come with it.
    return new RawWebSocket(socket, head?.subarray(head.indexOf('\r\n\r\n') + 4));
  }

  write(...frames: readonly Frame[]): void {
    this.socket.write(Buffer.concat(frames.map(encodeFrame)));
  }

  begin(authorization?: string): void {
    this.write({
      opcode: TEXT,
      payload: JSON.stringify({ type: 'connection_init', payload: { authorization } }),
    });
  }

  /** The code of the close frame, once it has come; `undefined` where the connection ends without one. */
  async closeCode(): Promise<number | undefined> {
    for (;;) {
      for (const { opcode, payload } of framesIn(Buffer.from(this.#told))) {
        if (opcode === CLOSE) return payload.length < 2 ? undefined : payload.readUInt16BE();
      }
      if (this.socket.destroyed) return undefined;
      await this.#more();
    }
  }

  /** How many frames of a kind have come. */
  count(opcode: number): number {
    return [...framesIn(Buffer.from(this.#told))].filter((frame) => frame.opcode === opcode).length;
  }

  /** Resolves once a frame of text has come. */
  async told(): Promise<void> {
    while (this.count(TEXT) === 0) {
      if (this.socket.destroyed) throw new Error('closed without a word');
      await this.#more();
    }
  }

  leave(): void {
    this.socket.destroy();
  }

  /** Something has come, or nothing will. */
  async #more(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.socket.once('data', () => resolve()).once('close', () => resolve());
    await promise;
  }
}

/** The whole frames of what a server sent, which are short and not masked. */
function* framesIn(
  bytes: Buffer,
): Generator<{ readonly opcode: number; readonly payload: Buffer }, void> {
  for (let at = 0; at + 2 <= bytes.length; ) {
    const short = bytes.readUInt8(at + 1) & 0x7f;
    const headBytes = short === 126 ? 4 : 2;
    if (at + headBytes > bytes.length) return;
    const length = short === 126 ? bytes.readUInt16BE(at + 2) : short;
    const end = at + headBytes + length;
    if (end > bytes.length) return;
    yield { opcode: bytes.readUInt8(at) & 0x0f, payload: bytes.subarray(at + headBytes, end) };
    at = end;
  }
}
