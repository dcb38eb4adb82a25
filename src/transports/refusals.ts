import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../core/ports.ts';
import type { ErrorCode } from '../errors.ts';

/** How long what a client goes on sending is thrown away, so that it comes to read why. */
const LINGER_MS = 1_000;

export const MISDIRECTED =
  'The gateway does not go by this name (`Host`). Behind a proxy, name its origin in ALLOWED_ORIGINS.';

export const FOREIGN_PAGE =
  'The origin of this page may not use the gateway: it must be named in ALLOWED_ORIGINS.';

/** What is told of a request that never came as far as GraphQL, in the form of its errors. */
export function errorAnswer(code: ErrorCode, message: string) {
  return { errors: [{ message, extensions: { code } }] };
}

/** The same as a whole body, for whoever takes more than a limit allows. */
export function refusalBody(message: string): string {
  return `${JSON.stringify(errorAnswer('LIMIT_EXCEEDED', message))}\n`;
}

/** Refuses a request whose body is still on its way: answers, then lets the rest of it go to waste. */
export function refuseBody(
  request: IncomingMessage,
  response: ServerResponse,
  { mostBytes, clock }: { readonly mostBytes: number; readonly clock: Clock },
): void {
  const body = refusalBody(`The body has more than ${mostBytes} bytes.`);
  response.writeHead(413, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  // Complete for the client. To end it here would have Node cut a client off that still sends.
  response.write(body);
  const end = () => response.end(() => request.socket.destroySoon());
  const timer = clock.after(LINGER_MS, end);
  request.once('end', end);
  response.once('close', () => timer.cancel());
  request.resume();
}

/** Answers on a socket that was to become a WebSocket. */
export function refuseUpgrade(socket: Duplex, status: string, body = ''): void {
  const head = [
    `HTTP/1.1 ${status}`,
    'Connection: close',
    ...(body === '' ? [] : ['Content-Type: application/json; charset=utf-8']),
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  // Destroyed, since a client that keeps its half open would keep the process from ending.
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
