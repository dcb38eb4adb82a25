import { createYoga, type Plugin } from 'graphql-yoga';
import { NO_BASIS } from '../core/basis.ts';
import type { GraphQLContext } from '../graphql/context.ts';
import { toPublicError } from '../graphql/errors.ts';
import { schema } from '../graphql/schema.ts';
import { rememberedDocuments } from '../limits/remembered-documents.ts';
import type { TransportOptions } from './options.ts';
import { GRAPHQL_PATH } from './paths.ts';
import { useDocumentLimits } from './plugins/document-limits.ts';
import { useAnsweredQueries, useKnownQueries } from './plugins/known-queries.ts';
import { useLiveEvents } from './plugins/live-events.ts';
import { useRequestErrors } from './plugins/request-errors.ts';
import { useStreams } from './plugins/streams.ts';
import type { RequestContext } from './request-context.ts';
import { contextFor } from './resolver-context.ts';

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
      useRequestErrors(mask),
      useKnownQueries(mask),
      useAnsweredQueries(),
      useLiveEvents(options),
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
      // With the `no-cache` of Yoga's event streams a cache may keep them. To set it anew would send both.
      response.headers?.delete('cache-control');
      response.headers?.set('cache-control', 'no-store');
    },
  };
}

function useQueryTiming({ clock, onQuery }: TransportOptions): Plugin {
  return {
    onExecute() {
      const startedAt = clock.steady();
      return { onExecuteDone: () => onQuery(clock.steady() - startedAt) };
    },
  };
}
