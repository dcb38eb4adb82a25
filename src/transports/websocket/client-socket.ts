import { type RawData, WebSocket } from 'ws';

/** Hears of what happens on a socket. */
export interface Listener {
  hear(data: RawData): void;
  ping(data: Buffer): void;
  pong(): void;
  failed(error: NodeJS.ErrnoException): void;
  left(code: number, reason: string): void;
}

/** A WebSocket that knows its listener, so that all sockets can share the same functions. */
export class ClientSocket extends WebSocket {
  listener: Listener | undefined = undefined;
}

/** Adds the same functions to all sockets; each finds the listener by the socket that it is called on. */
export function listenTo(socket: ClientSocket, listener: Listener): void {
  socket.listener = listener;
  socket.on('message', onMessage);
  socket.on('ping', onPing);
  socket.on('pong', onPong);
  // Without a listener, an error would end the process.
  socket.on('error', onError);
  socket.on('close', onClose);
}

function onMessage(this: WebSocket, data: RawData): void {
  listenerOf(this)?.hear(data);
}

function onPing(this: WebSocket, data: Buffer): void {
  listenerOf(this)?.ping(data);
}

function onPong(this: WebSocket): void {
  listenerOf(this)?.pong();
}

function onError(this: WebSocket, error: NodeJS.ErrnoException): void {
  listenerOf(this)?.failed(error);
}

function onClose(this: WebSocket, code: number, reason: Buffer): void {
  listenerOf(this)?.left(code, String(reason));
}

function listenerOf(socket: WebSocket): Listener | undefined {
  return socket instanceof ClientSocket ? socket.listener : undefined;
}

/** The payload of a close frame (RFC 6455, section 5.5) less the two bytes of the code. */
const MOST_REASON_BYTES = 123;

/** Cuts a reason to what a close frame can carry, at a character boundary. */
export function shortened(reason: string): string {
  if (Buffer.byteLength(reason) <= MOST_REASON_BYTES) return reason;
  return reason.slice(0, encoder.encodeInto(reason, new Uint8Array(MOST_REASON_BYTES)).read);
}

const encoder = new TextEncoder();
