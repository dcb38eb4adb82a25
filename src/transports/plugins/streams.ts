import { GraphQLError } from 'graphql';
import type { FetchAPI, Plugin } from 'graphql-yoga';
import type { GatewayError } from '../../errors.ts';
import type { Mask } from '../../graphql/errors.ts';
import { Live } from '../../graphql/execution/live.ts';
import { errorAnswer } from '../refusals.ts';
import type { RequestContext } from '../request-context.ts';
import { STREAM_HEADERS, STREAM_TYPE, UNBUFFERED } from '../streams/event-streams.ts';

/**
 * Event streams take places, as WebSockets do. Only Yoga knows which responses are streams: it also streams a
 * subscription to a client that accepts anything, not only to one that asks for an event stream.
 */
export function useStreams(mask: Mask): Plugin<RequestContext, RequestContext> {
  const running = new WeakMap<Request, Live>();
  return {
    onSubscribe({ args: { contextValue }, setResultAndStopExecution }) {
      const error = contextValue.enterStream?.();
      if (error !== undefined) setResultAndStopExecution({ errors: [mask(withoutPlace(error))] });
      return {
        onSubscribeResult({ result }) {
          if (result instanceof Live) running.set(contextValue.request, result);
        },
      };
    },
    onResultProcess({ request, resultProcessor, serverContext, setResultProcessor }) {
      const live = running.get(request);
      if (live === undefined) return;
      if (resultProcessor === undefined) {
        void live.return();
        // Yoga itself would say nothing but 406.
        setResultProcessor(refuseSubscription, 'application/json');
      } else if (serverContext.takeStream?.(live)) {
        setResultProcessor(headOfStream, STREAM_TYPE);
      }
    },
    onResponse({ response, serverContext }) {
      const type = response.headers?.get('content-type');
      if (!type?.startsWith(STREAM_TYPE)) return;
      response.headers?.set(...UNBUFFERED);
      serverContext.onStream?.();
    },
  };
}

/** Adds an HTTP status to the error, since no event stream has begun. */
function withoutPlace(originalError: GatewayError): GraphQLError {
  return new GraphQLError(originalError.message, {
    originalError,
    extensions: { http: { status: 503, headers: { 'retry-after': '5' } } },
  });
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
