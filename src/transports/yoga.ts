import { GraphQLError } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { Tickets } from '../auth/tickets.ts';
import type { Access } from '../core/access.ts';
import type { Clock, Logger } from '../core/ports.ts';
import type { GatewayError } from '../errors.ts';
import type { GraphQLContext, GraphQLParts } from '../graphql/context.ts';
import { toPublicError } from '../graphql/errors.ts';
import { schema } from '../graphql/schema.ts';
import type { Guard } from '../limits/guard.ts';
import { useDocumentLimits } from '../limits/plugins.ts';
import { rememberedDocuments } from '../limits/remembered-documents.ts';
import { GRAPHQL_PATH } from './paths.ts';

export interface YogaOptions {
  readonly parts: GraphQLParts;
  readonly tickets: Tickets;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly allowedOrigins: readonly string[];
  readonly guard: Guard;
  /** Told of each query that was executed, over any transport. */
  readonly onQuery: (durationMs: number) => void;
}

/** What the server tells Yoga of one request. */
export interface RequestContext {
  /** On whose account lookups go. */
  readonly caller: string;
  /** Called where the answer is an event stream, as its head is written. */
  readonly onStream?: () => void;
  /** Called before a subscription is streamed over HTTP: why there is no place for it. */
  readonly enterStream?: () => GatewayError | undefined;
  /** What a WebSocket may, by the ticket that it was opened with; a request brings its own. */
  readonly access?: Access;
}

export type Yoga = ReturnType<typeof createGraphQLYoga>;

/** GraphQL over HTTP: POST, GET, server-sent events, and GraphiQL for browsers. */
export function createGraphQLYoga(options: YogaOptions) {
  const { parts, tickets, logger, allowedOrigins, guard } = options;
  const mask = (error: unknown) => toPublicError(error, logger);
  return createYoga<RequestContext, GraphQLContext>({
    schema,
    context: async ({ request, access: known, caller }) => {
      const access = known ?? (await tickets.accessOf(request.headers.get('authorization')));
      return { ...guard.lookups.partsFor(parts, access.ticket ?? caller), access };
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
    plugins: [
      useDocumentLimits(guard, mask),
      useRequestErrors(logger),
      useQueryTiming(options),
      useStreams(mask),
    ],
  });
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

/** Event streams have places, as sockets have. Only Yoga knows what is one: a subscription is streamed to whoever accepts anything, not only to who asks for a stream. */
function useStreams(
  mask: (error: unknown) => GraphQLError,
): Plugin<RequestContext, RequestContext> {
  return {
    onSubscribe({ args, setResultAndStopExecution }) {
      const error = args.contextValue.enterStream?.();
      if (error !== undefined) setResultAndStopExecution({ errors: [mask(withoutPlace(error))] });
    },
    onResponse({ response, serverContext }) {
      const type = response.headers?.get('content-type');
      if (type?.startsWith('text/event-stream')) serverContext.onStream?.();
    },
  };
}

function useQueryTiming({ clock, onQuery }: YogaOptions): Plugin {
  return {
    onExecute() {
      const startedAt = clock.now();
      return { onExecuteDone: () => onQuery(clock.now() - startedAt) };
    },
  };
}
