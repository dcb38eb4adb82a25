import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { atMost } from '../core/at-most.ts';
import { errorCodeOf, loggedError } from '../core/logged-error.ts';
import { StartupError } from '../errors.ts';
import { ForeignPages } from './foreign-pages.ts';
import { guardServer, serverLimits } from './http/limits.ts';
import { Pipelines } from './http/pipelines.ts';
import { HttpRequests, type HttpRequestsOptions } from './http/requests.ts';
import { isAllowedOrigin, isForUs } from './origin.ts';
import { GRAPHQL_PATH, pathOf } from './paths.ts';
import { refuseIfFull } from './places.ts';
import { refuseUpgrade } from './refusals.ts';
import type { WebSocketTransport } from './websocket/transport.ts';

export interface GatewayServerOptions extends Omit<HttpRequestsOptions, 'foreignPages'> {
  readonly port: number;
  readonly webSockets: WebSocketTransport;
}

/** How long running queries may take to finish at shutdown. */
const DRAIN_MS = 10_000;

/** How long connections may take to close at shutdown. */
const CLOSE_MS = 1_000;

/** One port for everything: GraphQL over HTTP and WebSocket, health, metrics. */
export class GatewayServer {
  readonly #options: GatewayServerOptions;
  readonly #http: Server;
  readonly #pipelines: Pipelines;
  readonly #requests: HttpRequests;
  readonly #foreignPages: ForeignPages;
  #closing = false;

  constructor(options: GatewayServerOptions) {
    this.#options = options;
    this.#foreignPages = new ForeignPages(options);
    this.#requests = new HttpRequests({ ...options, foreignPages: this.#foreignPages });
    this.#pipelines = new Pipelines(() => options.guard.onRefused('pipelined'));
    const settings = {
      ...serverLimits(options.guard.limits),
      shouldUpgradeCallback: isForWebSockets,
    };
    this.#http = createServer(settings, (request, response) => {
      // The connection has been refused; the request arrived before the connection closed.
      if (request.socket.writableEnded || request.socket.destroyed) return;
      this.#pipelines.inTurn(request, response, () => this.#requests.answer(request, response));
    });
    guardServer(this.#http, options.guard);
    this.#http.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head));
  }

  /** @throws StartupError if the server cannot listen on the address. */
  async listen(): Promise<URL> {
    const { host, port, logger } = this.#options;
    try {
      this.#http.listen(port, host);
      await once(this.#http, 'listening');
    } catch (cause) {
      throw new StartupError(describeListenError(cause, host, port), { cause });
    }
    // Without a listener, a connection that cannot be accepted would end the process.
    this.#http.on('error', (error) => {
      logger.error(loggedError(error), 'a connection could not be taken');
    });
    const address = this.#http.address();
    const actual = typeof address === 'object' && address !== null ? address.port : port;
    const name = host.includes(':') ? `[${host}]` : host;
    return new URL(`http://${name}:${actual}${GRAPHQL_PATH}`);
  }

  /** Accepts nothing more, lets running queries finish, then closes all subscriptions so that clients reconnect. */
  async close(): Promise<void> {
    const { drain, webSockets, clock } = this.#options;
    this.#closing = true;
    this.#requests.close();
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    this.#http.closeIdleConnections();
    await atMost(DRAIN_MS, drain.idle(), clock);
    await webSockets.close();
    this.#http.closeAllConnections();
    await atMost(CLOSE_MS, closed, clock);
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (socket.writableEnded) return;
    socket.on('error', destroy);
    const path = pathOf(request);
    const { origin, host } = request.headers;
    if (this.#closing) refuseUpgrade(socket, '503 Service Unavailable');
    else if (!isForUs(request, this.#options)) refuseUpgrade(socket, '421 Misdirected Request');
    else if (path !== GRAPHQL_PATH) refuseUpgrade(socket, '404 Not Found');
    else if (!isAllowedOrigin({ origin, host }, this.#options.allowedOrigins)) {
      this.#foreignPages.refused(origin);
      refuseUpgrade(socket, '403 Forbidden');
    } else if (!refuseIfFull(request, socket, this.#options.guard)) {
      // From here on `ws` has its own error listener.
      socket.off('error', destroy);
      this.#options.webSockets.upgrade(request, socket, head);
    }
  }
}

/** Requests that offer another protocol, such as `h2c` from Java's client, are handled as if they had not. */
function isForWebSockets({ headers }: IncomingMessage): boolean {
  return /\bwebsocket\b/i.test(headers.upgrade ?? '');
}

function destroy(this: Duplex): void {
  this.destroy();
}

function describeListenError(error: unknown, host: string, port: number): string {
  const code = errorCodeOf(error);
  switch (code) {
    case 'EADDRINUSE':
      return `${host}:${port} is in use by another program; stop it, or set PORT to a free one`;
    case 'EACCES':
      return `not allowed to listen on ${host}:${port}; set PORT to one above 1023`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `HOST ${host} is no address of this machine`;
    default:
      return `cannot listen on ${host}:${port} (${code ?? 'unknown'})`;
  }
}
