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
  /** The FIN bit: whether the frame is the last of its message. */
  readonly isLast?: boolean;
  /** The three reserved bits. */
  readonly reserved?: number;
  readonly isMasked?: boolean;
  /** The length in the frame's header; by default the real length of the payload. */
  readonly claimedBytes?: number;
}

/** Encodes a frame, valid or not. Its masking key is zero, so the payload stays unchanged. */
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

/** A WebSocket connection over which any frames can be sent, valid or not. */
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
    // The first frames may have arrived together with the handshake response.
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

  /** Resolves with the code of the close frame; `undefined` if the connection ends without a code. */
  async closeCode(): Promise<number | undefined> {
    for (;;) {
      for (const { opcode, payload } of framesIn(Buffer.from(this.#told))) {
        if (opcode === CLOSE) return payload.length < 2 ? undefined : payload.readUInt16BE();
      }
      if (this.socket.destroyed) return undefined;
      await this.#more();
    }
  }

  /** How many frames with this opcode have been received. */
  count(opcode: number): number {
    return [...framesIn(Buffer.from(this.#told))].filter((frame) => frame.opcode === opcode).length;
  }

  /** Resolves once a text frame has been received. */
  async told(): Promise<void> {
    while (this.count(TEXT) === 0) {
      if (this.socket.destroyed) throw new Error('closed without a word');
      await this.#more();
    }
  }

  leave(): void {
    this.socket.destroy();
  }

  /** Resolves once more data has arrived, or the socket is closed. */
  async #more(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.socket.once('data', () => resolve()).once('close', () => resolve());
    await promise;
  }
}

/** The complete frames in the bytes that a server sent. Expects frames that are not masked and under 64 KiB. */
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
