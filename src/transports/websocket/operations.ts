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
  type OperationResult,
  type ServerOptions,
  type SubscribePayload,
} from 'graphql-ws';
import type { Asker } from '../../graphql/context.ts';
import { toPublicError } from '../../graphql/errors.ts';
import { Live, subscribeLive } from '../../graphql/execution/live.ts';
import { schema } from '../../graphql/schema.ts';
import { overCost } from '../../limits/cost.ts';
import { rememberedByText } from '../../limits/remembered-documents.ts';
import { refuseOneTooMany } from '../../limits/sockets.ts';
import type { Drain } from '../drain.ts';
import type { TransportOptions } from '../options.ts';
import { refuseHash } from '../plugins/document-limits.ts';
import { subscriberContext } from '../resolver-context.ts';
import { forStream } from '../streams/errors.ts';
import type { Yoga } from '../yoga.ts';
import type { Client, SocketExtra } from './client.ts';
import { type Held, refuseToHold } from './held.ts';
import { Push, type PushContext } from './push.ts';

export interface OperationsOptions extends TransportOptions {
  readonly yoga: Yoga;
  readonly drain: Drain;
}

interface PreparedQuery {
  readonly enveloped: ReturnType<Yoga['getEnveloped']>;
  readonly client: Client;
}

type SocketContext = Context<ConnectionInitMessage['payload'], SocketExtra>;

/** The operations on all sockets: who may run them, which operation a message asks for, how results are sent. */
export class SocketOperations {
  readonly #options: OperationsOptions;
  readonly #running = new WeakMap<ExecutionArgs, PreparedQuery>();
  /** Valid documents by their text: most subscribers send the same ones. */
  readonly #documents = rememberedByText<{
    readonly text: string;
    readonly document: DocumentNode;
  }>();

  constructor(options: OperationsOptions) {
    this.#options = options;
  }

  hooks(): ServerOptions<ConnectionInitMessage['payload'], SocketExtra> {
    const { logger } = this.#options;
    return {
      // The deadlines of newcomers do this, with one timer for all sockets.
      connectionInitWaitTimeout: 0,
      onConnect: (context) => this.#admit(context),
      onSubscribe: (context, id, payload) => {
        context.extra.client.starts(id);
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
      client.dismiss(CloseCode.Forbidden, toPublicError(error, logger).message);
      return false;
    }
  }

  async #prepare(
    context: SocketContext,
    id: string,
    payload: SubscribePayload,
  ): Promise<ExecutionArgs | readonly GraphQLError[]> {
    const { guard, logger } = this.#options;
    const { client } = context.extra;
    try {
      refuseOneTooMany(operationsOn(context), guard);
      const turn = guard.turns.take(client.address);
      if (turn !== undefined) await turn;
      if (client.hasExpired) client.expire();
      // Sent to nobody.
      if (!client.isOpen) return [new GraphQLError('The client has left.')];
      const asked = this.#documentOf(payload, client);
      if (!('kind' in asked)) return asked;
      const { variables, operationName } = payload;
      const args = {
        schema,
        document: asked,
        variableValues: variables ?? null,
        operationName: operationName ?? null,
      };
      return getOperationAST(asked, operationName)?.operation === 'subscription'
        ? this.#forSubscription(args, { context, id })
        : await this.#forQuery(args, client);
    } catch (error) {
      return [forStream(error, logger)];
    }
  }

  /** The document that a message asks for, or what is wrong with it. */
  #documentOf(payload: SubscribePayload, client: Client): DocumentNode | readonly GraphQLError[] {
    const { guard, logger, yoga } = this.#options;
    const { trustedDocuments } = guard.limits;
    if (trustedDocuments === undefined) refuseHash(payload);
    const text = trustedDocuments?.textOf(payload) ?? payload.query;
    const known = this.#documents.get(text);
    if (known !== undefined) {
      // graphql-ws keeps the payload for as long as the subscription runs: equal queries share one string.
      Object.assign(payload, { query: known.text });
      return known.document;
    }
    const enveloped = yoga.getEnveloped(askerOf(client));
    const document: DocumentNode = enveloped.parse(text);
    const faults: readonly unknown[] = enveloped.validate(enveloped.schema, document);
    if (faults.length > 0) return faults.map((fault) => forStream(fault, logger));
    this.#documents.set(text, { text, document });
    return document;
  }

  /** @throws GatewayError if the socket already holds as much as one may. */
  #forSubscription(
    args: ExecutionArgs,
    { context, id }: { readonly context: SocketContext; readonly id: string },
  ): ExecutionArgs {
    const { client } = context.extra;
    const held = {
      document: args.document,
      characters: JSON.stringify(args.variableValues).length + id.length,
    };
    refuseToHold(held, heldOn(context), this.#options.guard);
    client.holds(id, held);
    return { ...args, contextValue: subscriberContext(this.#options, askerOf(client)) };
  }

  /** Prepares Yoga's plugins, which time, mask and limit the execution of a query. Subscriptions run without them. */
  async #forQuery(args: ExecutionArgs, client: Client): Promise<ExecutionArgs> {
    const enveloped = this.#options.yoga.getEnveloped(askerOf(client));
    const prepared = { ...args, contextValue: await enveloped.contextFactory() };
    this.#running.set(prepared, { enveloped, client });
    return prepared;
  }

  async #execute(args: ExecutionArgs): Promise<ExecutionResult> {
    const query = this.#running.get(args);
    if (query === undefined) throw new Error('an operation that was never prepared');
    const { enveloped, client } = query;
    if (client.isBehind) await client.room();
    // Sent to nobody.
    if (!client.isOpen) return { data: null };
    const leave = this.#options.drain.enter();
    try {
      return await enveloped.execute(args);
    } finally {
      // graphql-ws writes the result right after this function returns.
      setImmediate(() => {
        leave();
        client.nextQuery();
      });
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

/** How many operations run on a socket: also those that the client has completed, until graphql-ws has handled them. */
function operationsOn({ extra: { client }, subscriptions }: SocketContext): number {
  return Math.max(Object.keys(subscriptions).length, client.handling);
}

/** What the subscriptions of a socket hold, those that are about to begin included. */
function heldOn({ extra: { client }, subscriptions }: SocketContext): readonly Held[] {
  const held = new Map(client.beginning);
  for (const [id, each] of Object.entries(subscriptions)) {
    if (each instanceof Push) held.set(id, each.held);
  }
  return [...held.values()];
}

/** Pushes the events of a subscription directly to the socket; `undefined` if there are none. */
function pushed(result: OperationResult, context: PushContext, id: string): Push | undefined {
  return result instanceof Live ? new Push({ context, id }, result) : undefined;
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
