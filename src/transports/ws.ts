import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ExecutionArgs, GraphQLError } from 'graphql';
import { type ConnectionInitMessage, handleProtocols, makeServer } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Tickets } from '../auth/tickets.ts';
import { type Access, NO_ACCESS } from '../core/access.ts';
import type { Clock, Logger } from '../core/ports.ts';
import { toPublicError } from '../graphql/errors.ts';
import type { Guard } from '../limits/guard.ts';
import { dismiss, limitSocket, refuseOneTooMany } from '../limits/sockets.ts';
import type { Drain } from './drain.ts';
import { openSession, type SocketExtra } from './ws-session.ts';
import type { Yoga } from './yoga.ts';

/** How often a client is asked for a sign of life, and how long it may take to give one. */
const KEEP_ALIVE_MS = 12_000;

/** The close code of graphql-transport-ws for whoever has no right to be there. */
const FORBIDDEN = 4403;

/** After which clients come back by themselves. */
const GOING_AWAY = 1_001;

/** How long a client may take to answer a close frame at shutdown. */
const CLOSE_GRACE_MS = 1_000;

export interface WebSocketOptions {
  readonly yoga: Yoga;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly drain: Drain;
  readonly guard: Guard;
  readonly tickets: Tickets;
}

export interface WebSocketTransport {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Closes every socket with 1001, so that clients come back by themselves; cuts off those that linger. */
  close(): Promise<void>;
}

/** By itself `ws` cuts off, without a word, a client that pings faster than it reads; ours is told its limit. */
const COUNTED_BY_US = { maxPendingAutoPongs: 0 };

/** What Yoga's plugins made of one operation: the functions to run it with. */
type Enveloped = ReturnType<Yoga['getEnveloped']>;

/** GraphQL over WebSocket (graphql-transport-ws), through the same plugins as over HTTP. */
export function createWebSocketTransport(options: WebSocketOptions): WebSocketTransport {
  const { yoga, logger, clock, drain, tickets, guard } = options;
  const sockets = new WebSocketServer({
    ...COUNTED_BY_US,
    noServer: true,
    handleProtocols: (protocols) => handleProtocols(protocols),
    // Costs memory for each socket, and our messages are small.
    perMessageDeflate: false,
    maxPayload: guard.limits.messageBytes,
  });
  const running = new WeakMap<ExecutionArgs, Enveloped>();
  const accesses = new WeakMap<WebSocket, Access>();

  /** A ticket that is over closes its socket: the client comes back with a new one. */
  function closeAtExpiry(socket: WebSocket, { expiresAt }: Pick<Access, 'expiresAt'>): void {
    if (expiresAt === null) return;
    const timer = clock.after(expiresAt - clock.now(), () => {
      if (clock.now() < expiresAt) closeAtExpiry(socket, { expiresAt });
      else dismiss(socket, { code: FORBIDDEN, reason: 'the ticket has expired', clock });
    });
    socket.once('close', () => timer.cancel());
  }

  const server = makeServer<ConnectionInitMessage['payload'], SocketExtra>({
    jsonMessageReviver: refuseWordsOfServer,
    connectionInitWaitTimeout: guard.limits.connectionInitTimeoutMs,
    async onConnect({ connectionParams, extra }) {
      try {
        const access = await tickets.accessOf(
          authorizationIn(connectionParams) ?? extra.request.headers.authorization,
        );
        accesses.set(extra.socket, access);
        closeAtExpiry(extra.socket, access);
        return true;
      } catch (error) {
        const { code } = toPublicError(error, logger).extensions;
        dismiss(extra.socket, { code: FORBIDDEN, reason: String(code), clock });
        return false;
      }
    },
    async execute(args) {
      const leave = drain.enter();
      try {
        return await envelopedOf(running, args).execute(args);
      } finally {
        // The answer is written right after this returns.
        setImmediate(leave);
      }
    },
    subscribe: (args) => envelopedOf(running, args).subscribe(args),
    async onSubscribe(context, _id, payload) {
      const { variables, operationName } = payload;
      const access = accesses.get(context.extra.socket) ?? NO_ACCESS;
      const caller = guard.addressOf(context.extra.request);
      const enveloped = yoga.getEnveloped({ access, caller });
      try {
        refuseOneTooMany(context.subscriptions, guard);
        const document = enveloped.parse(guard.documents?.textOf(payload) ?? payload.query);
        const faults = enveloped.validate(enveloped.schema, document);
        if (faults.length > 0) return faults.map((fault: unknown) => forSocket(fault, logger));
        const args: ExecutionArgs = {
          schema: enveloped.schema,
          document,
          variableValues: variables ?? null,
          operationName: operationName ?? null,
          contextValue: await enveloped.contextFactory(),
        };
        running.set(args, enveloped);
        return args;
      } catch (error) {
        return [forSocket(error, logger)];
      }
    },
    // Masked already; only what is meant for HTTP must go.
    onNext: (...[, , , , { errors }]) => {
      for (const error of errors ?? []) delete error.extensions['http'];
    },
    // The last of its four arguments is all that matters here.
    onError: (...[, , , errors]) => errors.map((error) => forSocket(error, logger).toJSON()),
  });
  // A client that does not read is told why; its pings would have it cut off before that.
  const keepAliveMs = Math.max(KEEP_ALIVE_MS, guard.limits.slowClientTimeoutMs);
  return {
    upgrade: (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        openSession({ socket: webSocket, request }, { server, keepAliveMs, logger });
        limitSocket(webSocket, { guard, clock, socket: request.socket });
      }),
    async close() {
      const timer = clock.after(CLOSE_GRACE_MS, () => {
        for (const socket of sockets.clients) socket.terminate();
      });
      for (const socket of sockets.clients) socket.close(GOING_AWAY, 'Going away');
      await new Promise<void>((resolve) => sockets.close(() => resolve()));
      timer.cancel();
    },
  };
}

function envelopedOf(running: WeakMap<ExecutionArgs, Enveloped>, args: ExecutionArgs): Enveloped {
  const enveloped = running.get(args);
  if (enveloped === undefined) throw new Error('an operation that was never prepared');
  return enveloped;
}

/** HTTP statuses mean nothing here. */
function forSocket(error: unknown, logger: Logger): GraphQLError {
  const publicError = toPublicError(error, logger);
  delete publicError.extensions['http'];
  return publicError;
}

const WORDS_OF_SERVER: ReadonlySet<unknown> = new Set(['connection_ack', 'next', 'error']);

/** By itself graphql-ws takes a client that says what only a server says for a fault of the gateway. */
function refuseWordsOfServer(key: string, value: unknown): unknown {
  // The whole message comes last, and without a name.
  const isWhole = key === '' && typeof value === 'object' && value !== null && 'type' in value;
  if (isWhole && WORDS_OF_SERVER.has(value.type)) throw new SyntaxError('a word of a server');
  return value;
}

/** Browsers cannot set the headers of a WebSocket, so the ticket travels in its first message. */
function authorizationIn(params: unknown): string | undefined {
  if (typeof params !== 'object' || params === null) return undefined;
  for (const [name, value] of Object.entries(params)) {
    if (name.toLowerCase() !== 'authorization') continue;
    return typeof value === 'string' ? value : 'not a text';
  }
  return undefined;
}
