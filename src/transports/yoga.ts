import { createYoga, type Plugin } from 'graphql-yoga';
import type { Tickets } from '../auth/tickets.ts';
import type { Access } from '../core/access.ts';
import type { Clock, Logger } from '../core/ports.ts';
import type { GraphQLContext, GraphQLParts } from '../graphql/context.ts';
import { toPublicError } from '../graphql/errors.ts';
import { schema } from '../graphql/schema.ts';
import { renderGraphiQL, type Tab } from './graphiql.ts';
import { GRAPHQL_PATH } from './paths.ts';

export interface YogaOptions {
  readonly parts: GraphQLParts;
  readonly tickets: Tickets;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly allowedOrigins: readonly string[];
  readonly tabs: readonly Tab[];
  /** Told of each query that was executed, over any transport. */
  readonly onQuery: (durationMs: number) => void;
}

/** What the server tells Yoga of one request. */
export interface RequestContext {
  /** Called where the answer is an event stream, as its head is written. */
  readonly onStream?: () => void;
  /** What a WebSocket may, by the ticket that it was opened with; a request brings its own. */
  readonly access?: Access;
}

export type Yoga = ReturnType<typeof createGraphQLYoga>;

/** GraphQL over HTTP: POST, GET, server-sent events, and GraphiQL for browsers. */
export function createGraphQLYoga(options: YogaOptions) {
  const { parts, tickets, logger, allowedOrigins } = options;
  return createYoga<RequestContext, GraphQLContext>({
    schema,
    context: async ({ request, access }) => ({
      ...parts,
      access: access ?? (await tickets.accessOf(request.headers.get('authorization'))),
    }),
    graphqlEndpoint: GRAPHQL_PATH,
    graphiql: { defaultTabs: [...options.tabs] },
    renderGraphiQL,
    landingPage: false,
    multipart: false,
    // What goes wrong is logged where it is masked.
    logging: false,
    maskedErrors: { maskError: (error) => toPublicError(error, logger) },
    // Given a list of several, Yoga would answer strangers with `null`, which is the origin of a sandboxed frame.
    cors: (request) => {
      const origin = request.headers.get('origin');
      if (origin === null || !allowedOrigins.includes(origin)) return false;
      return { origin: [origin], credentials: false };
    },
    plugins: [useRequestErrors(logger), useQueryTiming(options), useStreamNotice()],
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

/** Only Yoga knows: a subscription is streamed to whoever accepts anything, not only to who asks for a stream. */
function useStreamNotice(): Plugin<object, RequestContext> {
  return {
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
