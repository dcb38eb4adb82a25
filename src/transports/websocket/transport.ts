import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  getOperationAST,
} from 'graphql';
import {
  CloseCode,
  type ConnectionInitMessage,
  type Context,
  handleProtocols,
  makeServer,
  type OperationResult,
  type ServerOptions,
  type SubscribePayload,
} from 'graphql-ws';
import { WebSocketServer } from 'ws';
import type { Asker } from '../../graphql/context.ts';
import { toPublicError } from '../../graphql/errors.ts';
import { Live, subscribeLive } from '../../graphql/execution/live.ts';
import { schema } from '../../graphql/schema.ts';
import { overCost } from '../../limits/plugins.ts';
import { rememberedByText } from '../../limits/remembered-documents.ts';
import { MessageRate, refuseOneTooMany } from '../../limits/sockets.ts';
import type { Drain } from '../drain.ts';
import type { TransportOptions } from '../options.ts';
import { subscriberContext } from '../resolver-context.ts';
import { Deadlines, steadily } from '../streams/deadlines.ts';
import { forStream } from '../streams/errors.ts';
import { Pulse } from '../streams/pulse.ts';
import type { Yoga } from '../yoga.ts';
import { Client, type ClientParts, ClientSocket, FORBIDDEN, type SocketExtra } from './client.ts';
import { Clients } from './clients.ts';
import { type Held, refuseToHold } from './held.ts';
import { Push, type PushContext } from './push.ts';

/** How often a client is asked for a sign of life, and how long it may take to give that sign. */
const KEEP_ALIVE_MS = 12_000;

/** The close code for clients that are to reconnect, to another process. */
const GOING_AWAY = 1_001;

/** How long a client may take to answer a close frame at shutdown. */
const CLOSE_GRACE_MS = 1_000;

export interface WebSocketOptions extends TransportOptions {
  readonly yoga: Yoga;
  readonly drain: Drain;
}

type SocketContext = Context<ConnectionInitMessage['payload'], SocketExtra>;

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
export function createWebSocketTransport(options: WebSocketOptions): WebSocketTransport {
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
  // At least the timeout for slow clients: a client that does not read is dismissed with a reason, rather than cut off
  // earlier because it owes a pong.
  const intervalMs = Math.max(KEEP_ALIVE_MS, guard.limits.slowClientTimeoutMs);
  const parts: ClientParts = {
    guard,
    clock,
    logger,
    clients,
    rate: new MessageRate(guard.limits, clock),
    pulse: new Pulse({ clock, intervalMs, patients: clients }),
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
      // From now on new connections are refused.
      sockets.close();
      for (const client of clients) client.close(GOING_AWAY, 'Going away');
      const timer = clock.after(CLOSE_GRACE_MS, () => {
        for (const { socket } of clients) socket.terminate();
      });
      await clients.allGone();
      timer.cancel();
    },
  };
}

/** The operations on all sockets: who may run them, which operation a message asks for, how results are sent. */
class SocketOperations {
  readonly #options: WebSocketOptions;
  readonly #running = new WeakMap<ExecutionArgs, ReturnType<Yoga['getEnveloped']>>();
  /** Valid documents by their text: most subscribers send the same ones. */
  readonly #documents = rememberedByText<{
    readonly text: string;
    readonly document: DocumentNode;
  }>();

  constructor(options: WebSocketOptions) {
    this.#options = options;
  }

  hooks(): ServerOptions<ConnectionInitMessage['payload'], SocketExtra> {
    const { logger } = this.#options;
    return {
      jsonMessageReviver: refuseWordsOfServer,
      // The deadlines of newcomers do this, with one timer for all sockets.
      connectionInitWaitTimeout: 0,
      onConnect: (context) => this.#admit(context),
      onSubscribe: (context, id, payload) => {
        context.extra.client.asks(id);
        return this.#prepare(context, id, payload);
      },
      execute: (args) => this.#execute(args),
      subscribe: (args) => this.#subscribe(args),
      onOperation: (...[context, id, , , result]) => pushed(result, context, id),
      // The errors are already masked; only the extension that is meant for HTTP has to go.
      onNext: (...[, , , , { errors }]) => {
        for (const error of errors ?? []) delete error.extensions['http'];
      },
      onError: (...[, , , errors]) => errors.map((error) => forStream(error, logger).toJSON()),
    };
  }

  async #admit({ connectionParams, extra: { client } }: SocketContext): Promise<boolean> {
    const { tickets, logger } = this.#options;
    client.hasBegun();
    try {
      const ticket = authorizationIn(connectionParams) ?? client.authorization;
      client.admit(await tickets.accessOf(ticket));
      return true;
    } catch (error) {
      const { code } = toPublicError(error, logger).extensions;
      client.dismiss(FORBIDDEN, String(code));
      return false;
    }
  }

  async #prepare(
    context: SocketContext,
    id: string,
    payload: SubscribePayload,
  ): Promise<ExecutionArgs | readonly GraphQLError[]> {
    const { guard, logger, yoga } = this.#options;
    const { client } = context.extra;
    try {
      refuseOneTooMany(context.subscriptions, guard);
      const turn = guard.turns.take(client.address);
      if (turn !== undefined) await turn;
      // Nobody is told of it.
      if (!client.isOpen) return [new GraphQLError('The client has left.')];
      const text = guard.limits.trustedDocuments?.textOf(payload) ?? payload.query;
      const known = this.#documents.get(text);
      if (known === undefined) {
        const enveloped = yoga.getEnveloped(askerOf(client));
        const document: DocumentNode = enveloped.parse(text);
        const faults = enveloped.validate(enveloped.schema, document);
        if (faults.length > 0) return faults.map((fault: unknown) => forStream(fault, logger));
        this.#documents.set(text, { text, document });
        return await this.#argsOf(document, payload, { context, id });
      }
      // graphql-ws keeps the payload for as long as the subscription runs: equal queries share one string.
      Object.assign(payload, { query: known.text });
      return await this.#argsOf(known.document, payload, { context, id });
    } catch (error) {
      return [forStream(error, logger)];
    }
  }

  async #argsOf(
    document: DocumentNode,
    { variables, operationName }: SubscribePayload,
    { context, id }: { readonly context: SocketContext; readonly id: string },
  ): Promise<ExecutionArgs> {
    const { client } = context.extra;
    const isSubscription = getOperationAST(document, operationName)?.operation === 'subscription';
    const args = {
      schema,
      document,
      variableValues: variables ?? null,
      operationName: operationName ?? null,
    };
    if (!isSubscription) return this.#forQuery(args, askerOf(client));
    const held = { document, characters: JSON.stringify(args.variableValues).length };
    refuseToHold(held, heldOn(context), this.#options.guard);
    client.holds(id, held);
    return { ...args, contextValue: subscriberContext(this.#options, askerOf(client)) };
  }

  /** Prepares Yoga's plugins, which time, mask and limit the execution of a query. Subscriptions run without them. */
  async #forQuery(args: ExecutionArgs, asker: Asker): Promise<ExecutionArgs> {
    const enveloped = this.#options.yoga.getEnveloped(asker);
    const prepared = { ...args, contextValue: await enveloped.contextFactory() };
    this.#running.set(prepared, enveloped);
    return prepared;
  }

  async #execute(args: ExecutionArgs): Promise<ExecutionResult> {
    const enveloped = this.#running.get(args);
    if (enveloped === undefined) throw new Error('an operation that was never prepared');
    const leave = this.#options.drain.enter();
    try {
      return await enveloped.execute(args);
    } finally {
      // graphql-ws writes the result right after this function returns.
      setImmediate(leave);
    }
  }

  async #subscribe(args: ExecutionArgs): Promise<Live | ExecutionResult> {
    const { guard, renderings, logger } = this.#options;
    const refusal = overCost(args, guard);
    if (refusal !== undefined) return { errors: [forStream(refusal, logger)] };
    const live = await subscribeLive(args, renderings);
    if (live instanceof Live) return live;
    return { ...live, errors: (live.errors ?? []).map((error) => forStream(error, logger)) };
  }
}

function askerOf({ access, address }: Client): Asker {
  return { access, caller: address };
}

/** What the subscriptions of a socket hold, those that are about to begin included. */
function heldOn({ extra: { client }, subscriptions }: SocketContext): readonly Held[] {
  const held = client.beginning;
  for (const [id, each] of Object.entries(subscriptions)) {
    if (each instanceof Push && !held.has(id)) held.set(id, each.held);
  }
  return [...held.values()];
}

/** Pushes the events of a subscription directly to the socket; `undefined` if `result` can only be pulled. */
function pushed(result: OperationResult, context: PushContext, id: string): Push | undefined {
  const following = result instanceof Live ? result.following : undefined;
  if (!(result instanceof Live) || following === undefined) return undefined;
  return new Push({ context, id }, result, following);
}

const WORDS_OF_SERVER: ReadonlySet<unknown> = new Set(['connection_ack', 'next', 'error']);

/**
 * Refuses a message of a type that only servers send. By itself graphql-ws would take such a message for a fault of the
 * gateway.
 *
 * @throws SyntaxError
 */
function refuseWordsOfServer(key: string, value: unknown): unknown {
  // A JSON reviver is called with the whole message last, with an empty key.
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
