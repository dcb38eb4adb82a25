import { type DocumentNode, type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import { createYoga, type FetchAPI, isAsyncIterable, type Plugin } from 'graphql-yoga';
import type { Access } from '../core/access.ts';
import { type Basis, NO_BASIS } from '../core/basis.ts';
import type { Logger } from '../core/ports.ts';
import type { GatewayError } from '../errors.ts';
import type { GraphQLContext } from '../graphql/context.ts';
import { type Mask, toPublicError } from '../graphql/errors.ts';
import { Live, subscribeLive } from '../graphql/execution/live.ts';
import { schema } from '../graphql/schema.ts';
import { useDocumentLimits } from '../limits/plugins.ts';
import { rememberedDocuments } from '../limits/remembered-documents.ts';
import type { TransportOptions } from './options.ts';
import { GRAPHQL_PATH } from './paths.ts';
import { contextFor, subscriberContext } from './resolver-context.ts';
import { STREAM_HEADERS, STREAM_TYPE } from './streams/event-streams.ts';

/** What the server tells Yoga of one request. */
export interface RequestContext {
  /** On whose account lookups go. */
  readonly caller: string;
  /** Called where the answer is an event stream, as its head is written. */
  readonly onStream?: () => void;
  /** Called before a subscription is streamed over HTTP: why there is no place for it. */
  readonly enterStream?: () => GatewayError | undefined;
  /**
   * Called with a subscription that may run and is to be streamed over HTTP: whether its events are sent by whoever
   * is called. Then only the head of the answer is left to make.
   */
  readonly takeStream?: (live: Live, document: DocumentNode) => boolean;
  /** Told what the answer rests on, where it may be kept. */
  readonly basis?: Basis;
  /** What came of the operation, where it ran already. */
  readonly executed?: ExecutionResult;
  /** Told of the operation that is answered, once it has run without an error. */
  readonly onAnswered?: (document: DocumentNode) => void;
  /** What a WebSocket may, by the ticket that it was opened with; a request brings its own. */
  readonly access?: Access;
}

export type Yoga = ReturnType<typeof createGraphQLYoga>;

/** GraphQL over HTTP: POST, GET, server-sent events, and GraphiQL for browsers. */
export function createGraphQLYoga(options: TransportOptions) {
  const { tickets, logger, allowedOrigins, guard } = options;
  const mask = (error: unknown) => toPublicError(error, logger);
  return createYoga<RequestContext, GraphQLContext>({
    schema,
    context: async ({ request, access: known, caller, basis = NO_BASIS }) => {
      const access = known ?? (await tickets.accessOf(request.headers.get('authorization')));
      return contextFor(options, { access, caller, basis });
    },
    graphqlEndpoint: GRAPHQL_PATH,
    // The server sends it itself.
    graphiql: false,
    extraParamNames: ['documentId'],
    // Read and counted by the server.
    maxRequestBodySize: false,
    parserAndValidationCache: rememberedDocuments(),
    landingPage: false,
    multipart: false,
    // What goes wrong is logged where it is masked.
    logging: false,
    maskedErrors: { maskError: mask },
    // Given a list of several, Yoga would answer strangers with `null`, which is the origin of a sandboxed frame.
    cors: (request) => {
      const origin = request.headers.get('origin');
      if (origin === null || !allowedOrigins.includes(origin)) return false;
      return { origin: [origin], credentials: false };
    },
    // In this order, since one that ends an operation spares it all that follow: what is too much is refused before
    // anything is done for it, what ran already is only put into words, and nothing but what runs is timed, or takes
    // a place as a stream.
    plugins: [
      useDocumentLimits(guard, mask),
      useRequestErrors(logger),
      useSharedWork(options, mask),
      useQueryTiming(options),
      useStreams(mask),
    ],
  });
}

/** Subscribers share what is made of each event; a query that ran already is only put into words. */
function useSharedWork(
  options: TransportOptions,
  mask: Mask,
): Plugin<RequestContext & GraphQLContext, RequestContext> {
  return {
    onSubscribe({ args: { contextValue }, setSubscribeFn }) {
      const subscribed = subscriberContext(options, contextValue);
      setSubscribeFn((args: ExecutionArgs) =>
        subscribeLive({ ...args, contextValue: subscribed }, options.renderings),
      );
    },
    onExecute({ args, setResultAndStopExecution }) {
      const { executed, onAnswered } = args.contextValue;
      if (executed !== undefined) {
        const errors = executed.errors?.map(mask);
        setResultAndStopExecution({ ...executed, ...(errors === undefined ? {} : { errors }) });
        return undefined;
      }
      return {
        onExecuteDone: ({ result }) => {
          if (!isAsyncIterable(result) && result.errors === undefined) onAnswered?.(args.document);
        },
      };
    },
  };
}

/** Faults in the document itself get our codes as well; Yoga masks only what comes out of execution. */
function useRequestErrors(logger: Logger): Plugin {
  return {
    onParse:
      () =>
      ({ result, replaceParseResult }) => {
        if (result instanceof Error) replaceParseResult(toPublicError(result, logger));
      },
    onValidate:
      () =>
      ({ valid, result, setResult }) => {
        if (!valid) setResult(result.map((error) => toPublicError(error, logger)));
      },
  };
}

/** Whoever asked for an event stream is told with a status as well. */
function withoutPlace(originalError: GatewayError): GraphQLError {
  return new GraphQLError(originalError.message, {
    originalError,
    extensions: { http: { status: 503, headers: { 'retry-after': '5' } } },
  });
}

/**
 * Event streams have places, as sockets have. Only Yoga knows what is one: a subscription is streamed to whoever
 * accepts anything, not only to who asks for a stream.
 */
function useStreams(mask: Mask): Plugin<RequestContext, RequestContext> {
  const running = new WeakMap<Request, { readonly live: Live; readonly document: DocumentNode }>();
  return {
    onSubscribe({ args: { contextValue, document }, setResultAndStopExecution }) {
      const error = contextValue.enterStream?.();
      if (error !== undefined) setResultAndStopExecution({ errors: [mask(withoutPlace(error))] });
      return {
        onSubscribeResult({ result }) {
          if (result instanceof Live) running.set(contextValue.request, { live: result, document });
        },
      };
    },
    onResultProcess({ request, resultProcessor, serverContext, setResultProcessor }) {
      const subscription = running.get(request);
      if (subscription === undefined) return;
      const { live, document } = subscription;
      // Nothing that the client accepts.
      if (resultProcessor === undefined) void live.return();
      else if (serverContext.takeStream?.(live, document)) {
        setResultProcessor(headOfStream, STREAM_TYPE);
      }
    },
    onResponse({ response, serverContext }) {
      const type = response.headers?.get('content-type');
      if (type?.startsWith(STREAM_TYPE)) serverContext.onStream?.();
    },
  };
}

function headOfStream(_result: unknown, { Response }: FetchAPI): Response {
  // A copy: what CORS adds for one page is written into it.
  return new Response(null, { headers: { ...STREAM_HEADERS } });
}

function useQueryTiming({ clock, onQuery }: TransportOptions): Plugin {
  return {
    onExecute() {
      const startedAt = clock.now();
      return { onExecuteDone: () => onQuery(clock.now() - startedAt) };
    },
  };
}
