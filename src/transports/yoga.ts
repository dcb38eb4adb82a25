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
import { errorAnswer } from './refusals.ts';
import { contextFor, subscriberContext } from './resolver-context.ts';
import { STREAM_HEADERS, STREAM_TYPE } from './streams/event-streams.ts';

/** What the server passes to Yoga along with a request. */
export interface RequestContext {
  /** Whose allowance lookups are taken from. */
  readonly caller: string;
  /** Called when the head of an event stream is made. */
  readonly onStream?: () => void;
  /** Called before a subscription is streamed over HTTP. Returns an error if there is no place for the stream. */
  readonly enterStream?: () => GatewayError | undefined;
  /**
   * Called with a subscription that may run and is to be streamed over HTTP. Returns whether the callee sends the
   * events itself; then Yoga makes only the head of the response.
   */
  readonly takeStream?: (live: Live, document: DocumentNode) => boolean;
  /** Records what the answer rests on; set if the answer may be kept. */
  readonly basis?: Basis;
  /** The result of the operation, if it has already run. */
  readonly executed?: ExecutionResult | undefined;
  /** Called with the document of the operation once it has run without an error. */
  readonly onAnswered?: (document: DocumentNode) => void;
  /** The rights of a WebSocket, from the ticket that it was opened with; an HTTP request brings its own ticket. */
  readonly access?: Access;
}

export type Yoga = ReturnType<typeof createGraphQLYoga>;

/** GraphQL over HTTP: POST, GET and server-sent events. */
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
    // The server sends the page itself.
    graphiql: false,
    // The server has its own. Yoga's would answer 200 to every address that ends in `/health`; none ends in a blank.
    healthCheckEndpoint: ' ',
    extraParamNames: ['documentId'],
    // The server reads the body and limits its size.
    maxRequestBodySize: false,
    parserAndValidationCache: rememberedDocuments(),
    landingPage: false,
    multipart: false,
    // Errors are logged where they are masked.
    logging: false,
    maskedErrors: { maskError: mask },
    // One origin at most: given several, Yoga would answer any other origin with `null`, which is the origin of a
    // sandboxed frame.
    cors: (request) => {
      const origin = request.headers.get('origin');
      if (origin === null || !allowedOrigins.includes(origin)) return false;
      const isPreflight = request.method === 'OPTIONS';
      const maxAge = isPreflight ? { maxAge: PREFLIGHT_SECONDS } : {};
      return { origin: [origin], credentials: false, exposedHeaders: EXPOSED_HEADERS, ...maxAge };
    },
    // The order matters, since a plugin that ends an operation skips the plugins after it. An operation beyond a limit
    // is refused before any work, one that has already run only has its errors masked, and only one that runs is timed
    // or takes a place as a stream.
    plugins: [
      useDocumentLimits(guard, mask),
      useRequestErrors(logger),
      useSharedWork(options, mask),
      useQueryTiming(options),
      useStreams(mask),
      useNoStore(),
    ],
  });
}

/** How long a browser may go on without asking again whether a page of another origin may send queries. */
const PREFLIGHT_SECONDS = 600;

/** What a page of another origin may read beside the body: the id under which we log its request, and when to retry. */
const EXPOSED_HEADERS = ['x-request-id', 'retry-after'];

/** Keeps responses out of HTTP caches: they may hold a card code, and depend on the ticket and on the page's origin. */
function useNoStore(): Plugin {
  return {
    onResponse({ response }) {
      if (response.headers?.has('cache-control') === false) {
        response.headers.set('cache-control', 'no-store');
      }
    },
  };
}

/** Subscribers share the rendering of each event; of a query that has already run, only the errors are masked. */
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

/** Gives errors from parsing and validation our codes as well: Yoga masks only errors from execution. */
function useRequestErrors(logger: Logger): Plugin {
  return {
    // Yoga itself would say nothing but 415. It is what `fetch` gets for a text without a `content-type`.
    onRequestParse({ requestParser, setRequestParser }) {
      if (requestParser === undefined) setRequestParser(refuseMediaType);
    },
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

function refuseMediaType(): never {
  throw new GraphQLError(
    'Send the body as JSON, with the header `content-type: application/json`.',
    { extensions: { http: { status: 415 } } },
  );
}

/** Adds an HTTP status to the error, since no event stream has begun. */
function withoutPlace(originalError: GatewayError): GraphQLError {
  return new GraphQLError(originalError.message, {
    originalError,
    extensions: { http: { status: 503, headers: { 'retry-after': '5' } } },
  });
}

/**
 * Event streams take places, as WebSockets do. Only Yoga knows which responses are streams: it also streams a
 * subscription to a client that accepts anything, not only to one that asks for an event stream.
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
      if (resultProcessor === undefined) {
        void live.return();
        // Yoga itself would say nothing but 406.
        setResultProcessor(refuseSubscription, 'application/json');
      } else if (serverContext.takeStream?.(live, document)) {
        setResultProcessor(headOfStream, STREAM_TYPE);
      }
    },
    onResponse({ response, serverContext }) {
      const type = response.headers?.get('content-type');
      if (type?.startsWith(STREAM_TYPE)) serverContext.onStream?.();
    },
  };
}

function refuseSubscription(_result: unknown, { Response }: FetchAPI): Response {
  const answer = errorAnswer(
    'BAD_USER_INPUT',
    'A subscription is served to a client that accepts `text/event-stream`, or over WebSocket.',
  );
  return Response.json(answer, { status: 406 });
}

function headOfStream(_result: unknown, { Response }: FetchAPI): Response {
  // A copy, since Yoga writes the CORS headers for one page into it.
  return new Response(null, { headers: { ...STREAM_HEADERS } });
}

function useQueryTiming({ clock, onQuery }: TransportOptions): Plugin {
  return {
    onExecute() {
      const startedAt = clock.steady();
      return { onExecuteDone: () => onQuery(clock.steady() - startedAt) };
    },
  };
}
