import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../core/ports.ts';
import type { ErrorCode } from '../errors.ts';

/** How long the rest of a refused body is read and thrown away, so that the client gets to read the refusal. */
const LINGER_MS = 1_000;

export const MISDIRECTED =
  'The gateway does not go by this name (`Host`). Behind a proxy, name its origin in ALLOWED_ORIGINS.';

export const NO_ADDRESS = 'The `Host` and the path of the request make no address.';

export const FOREIGN_PAGE =
  'The origin of this page may not use the gateway: it must be named in ALLOWED_ORIGINS.';

/** The response body for a request that is refused before it reaches GraphQL, in the form of GraphQL errors. */
export function errorAnswer(code: ErrorCode, message: string) {
  return { errors: [{ message, extensions: { code } }] };
}

/** The response body for a client that exceeds a limit, as JSON. */
export function refusalBody(message: string): string {
  return `${JSON.stringify(errorAnswer('LIMIT_EXCEEDED', message))}\n`;
}

/** Refuses a request whose body is still arriving: sends the response, then reads and discards the rest of the body. */
export function refuseBody(
  request: IncomingMessage,
  response: ServerResponse,
  given: {
    readonly mostBytes: number;
    readonly headers: OutgoingHttpHeaders;
    readonly clock: Clock;
  },
): void {
  const { mostBytes, headers, clock } = given;
  const body = refusalBody(`The body has more than ${mostBytes} bytes.`);
  response.writeHead(413, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
    ...headers,
  });
  // To the client the response is complete. Ending it here would make Node cut off a client that is still sending.
  response.write(body);
  const end = () => response.end(() => request.socket.destroySoon());
  const timer = clock.after(LINGER_MS, end);
  request.once('end', end);
  response.once('close', () => timer.cancel());
  request.resume();
}

/** Writes an HTTP response to a socket that Node's HTTP server does not answer, such as an upgrade, and closes it. */
export function refuseUpgrade(socket: Duplex, status: string, body = ''): void {
  const head = [
    `HTTP/1.1 ${status}`,
    'Connection: close',
    ...(body === '' ? [] : ['Content-Type: application/json; charset=utf-8']),
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  // Destroyed, since a client that keeps its half of the connection open would keep the process alive.
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
