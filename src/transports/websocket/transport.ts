import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws';
import { WebSocketServer } from 'ws';
import { MessageRate } from '../../limits/sockets.ts';
import { Deadlines, steadily } from '../streams/deadlines.ts';
import { Pulse } from '../streams/pulse.ts';
import { Client, type ClientParts } from './client.ts';
import { ClientSocket } from './client-socket.ts';
import { Clients } from './clients.ts';
import { type OperationsOptions, SocketOperations } from './operations.ts';

/** How often a client is asked for a sign of life, and how long it may at least take to give that sign. */
const KEEP_ALIVE_MS = 12_000;

/** The close code for clients that are to reconnect, to another process. */
const GOING_AWAY = 1_001;

/** How long a client may take to answer a close frame at shutdown. */
const CLOSE_GRACE_MS = 1_000;

export interface WebSocketTransport {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Closes every socket with 1001, so that clients reconnect by themselves; cuts off those that linger. */
  close(): Promise<void>;
}

/**
 * Switches off what `Client` and `Clients` do instead. By itself `ws` answers pings, and silently cuts off a client
 * that pings faster than it reads; the gateway tells such a client its limit. `ws` also keeps a list of all clients.
 */
const DONE_BY_US = { autoPong: false, clientTracking: false };

/** GraphQL over WebSocket (graphql-transport-ws), with the same rules as over HTTP. */
export function createWebSocketTransport(options: OperationsOptions): WebSocketTransport {
  const { clock, logger, guard } = options;
  const sockets = new WebSocketServer({
    ...DONE_BY_US,
    WebSocket: ClientSocket,
    noServer: true,
    // Compression costs memory for each socket, and our messages are small.
    perMessageDeflate: false,
    maxPayload: guard.limits.messageBytes,
    handleProtocols,
  });
  const clients = new Clients<Client>();
  // Twice the timeout for slow clients, from the ping before: a client that does not read is dismissed with a reason,
  // rather than cut off earlier because it owes a pong.
  const patienceMs = Math.max(KEEP_ALIVE_MS, 2 * guard.limits.slowClientTimeoutMs - KEEP_ALIVE_MS);
  const parts: ClientParts = {
    guard,
    clock,
    logger,
    clients,
    rate: new MessageRate(guard.limits, clock),
    pulse: new Pulse({ clock, intervalMs: KEEP_ALIVE_MS, patienceMs, patients: clients }),
    newcomers: new Deadlines(steadily(clock), (client) => {
      guard.onRefused('connection_init');
      client.close(CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout');
    }),
    tickets: new Deadlines(clock, (client) => client.expire()),
  };
  const server = makeServer(new SocketOperations(options).hooks());
  return {
    upgrade: (request, duplex, head) =>
      sockets.handleUpgrade(request, duplex, head, (socket) => {
        const { socket: stream, headers } = request;
        const { authorization } = headers;
        const address = guard.addressOf(request);
        new Client({ socket, stream, address, authorization }, parts).begin(server);
      }),
    async close() {
      for (const client of clients) client.close(GOING_AWAY, 'Going away');
      const timer = clock.after(CLOSE_GRACE_MS, () => {
        for (const { socket } of clients) socket.terminate();
      });
      await clients.allGone();
      timer.cancel();
    },
  };
}
