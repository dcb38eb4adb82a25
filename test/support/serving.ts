import { createServer, type IncomingMessage } from 'node:http';
import { type AuthConfig, createTickets } from '../../src/auth/tickets.ts';
import { type Clock, systemClock } from '../../src/core/ports.ts';
import type { Store } from '../../src/core/store.ts';
import type { Topups, Watch } from '../../src/core/topups.ts';
import { createFeed } from '../../src/feed/feed.ts';
import { toPublicError } from '../../src/graphql/errors.ts';
import type { OnPlanGivenUp } from '../../src/graphql/execution/engine.ts';
import { Renderings } from '../../src/graphql/execution/renderings.ts';
import { createGuard } from '../../src/limits/guard.ts';
import { DEFAULT_LIMITS, type Limits } from '../../src/limits/limits.ts';
import { createAnswers } from '../../src/transports/create-answers.ts';
import { Drain } from '../../src/transports/drain.ts';
import { LazyPage } from '../../src/transports/graphiql/lazy-page.ts';
import { renderGraphiQL } from '../../src/transports/graphiql/render.ts';
import { GraphQLHttp } from '../../src/transports/http/graphql.ts';
import type { TransportOptions } from '../../src/transports/options.ts';
import { GatewayServer, type GatewayServerOptions } from '../../src/transports/server.ts';
import { createWebSocketTransport } from '../../src/transports/websocket/transport.ts';
import { createGraphQLYoga, type Yoga } from '../../src/transports/yoga.ts';
import { recordingLogger } from './recording-logger.ts';
import { noTelemetry } from './silent.ts';

export interface Serving extends AsyncDisposable {
  readonly url: URL;
  readonly logger: ReturnType<typeof recordingLogger>;
  /** The limits that refused something, in chronological order. */
  readonly refusals: readonly string[];
}

const noTopups: Topups = { lookup: async () => null };

const noWatch: Watch = { watch: () => () => undefined };

const noStatus = {
  gatewayStatus: () => Promise.reject(new Error('nobody asks for the status here')),
  callsResumeAt: () => null,
};

export interface ServingOptions {
  readonly topups?: Topups;
  readonly watch?: Watch;
  readonly allowedOrigins?: readonly string[];
  readonly limits?: Partial<Limits>;
  readonly auth?: AuthConfig;
  readonly clock?: Clock;
  readonly onRemembered?: () => void;
  readonly renderings?: Renderings;
  readonly onPlanGivenUp?: OnPlanGivenUp;
  readonly scrape?: GatewayServerOptions['scrape'];
  /** When calls to the upstream resume; never suspended by default. */
  readonly callsResumeAt?: () => number | null;
  /** Called when Yoga has answered a request, before anything is made of its answer. */
  readonly afterYoga?: (request: IncomingMessage) => unknown;
}

interface Parts {
  readonly yogaOptions: TransportOptions;
  readonly logger: ReturnType<typeof recordingLogger>;
  readonly refusals: readonly string[];
}

/** The parts below a server, on a log that the test writes itself: there is no poller. */
function partsOf(store: Store, options: ServingOptions): Parts {
  const { topups = noTopups, allowedOrigins = [], auth = { kind: 'none' } } = options;
  const { watch = noWatch, onPlanGivenUp = () => undefined } = options;
  const logger = recordingLogger();
  const clock = options.clock ?? systemClock;
  const refusals: string[] = [];
  const guard = createGuard({
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    clock,
    logger,
    onRefused: (limit) => refusals.push(limit),
  });
  const yogaOptions = {
    parts: {
      topups,
      feed: createFeed({ log: store, watch, clock, telemetry: noTelemetry }),
      log: store,
      status: { ...noStatus, callsResumeAt: options.callsResumeAt ?? noStatus.callsResumeAt },
    },
    tickets: createTickets(auth, { clock, logger, fetch }),
    logger,
    clock,
    allowedOrigins,
    guard,
    renderings:
      options.renderings ??
      new Renderings({ mask: (error) => toPublicError(error, logger), onPlanGivenUp }),
    onQuery: () => undefined,
    onPlanGivenUp,
  };
  return { yogaOptions, logger, refusals };
}

/** Starts the real server, on a free port. */
export async function serve(store: Store, options: ServingOptions = {}): Promise<Serving> {
  const { yogaOptions, logger, refusals } = partsOf(store, options);
  const { guard, clock, tickets, allowedOrigins } = yogaOptions;
  const drain = new Drain();
  const yoga = followedBy(createGraphQLYoga(yogaOptions), options.afterYoga);
  const answers = createAnswers({ ...yogaOptions, log: store });
  const server = new GatewayServer({
    host: '127.0.0.1',
    port: 0,
    graphql: new GraphQLHttp({ ...yogaOptions, yoga, answers }),
    answers,
    onRemembered: options.onRemembered ?? (() => undefined),
    webSockets: createWebSocketTransport({ ...yogaOptions, yoga, drain }),
    tickets,
    anyHost: options.auth !== undefined,
    guard,
    page: guard.limits.graphiql
      ? new LazyPage(() => renderGraphiQL({ orderIds: [], needsTickets: false }))
      : undefined,
    drain,
    status: noStatus,
    scrape: options.scrape ?? (async () => ({ contentType: 'text/plain', text: '' })),
    allowedOrigins,
    clock,
    logger,
  });
  const url = await server.listen();
  return { url, logger, refusals, [Symbol.asyncDispose]: () => server.close() };
}

function followedBy(yoga: Yoga, afterYoga: ServingOptions['afterYoga'] = () => undefined): Yoga {
  const handleNodeRequest: Yoga['handleNodeRequest'] = async (...asked) => {
    const answer = await yoga.handleNodeRequest(...asked);
    await afterYoga(asked[0] as IncomingMessage);
    return answer;
  };
  return new Proxy(yoga, {
    get: (target, name) =>
      name === 'handleNodeRequest' ? handleNodeRequest : Reflect.get(target, name),
  });
}

/** Serves Yoga alone, as its documentation shows: with our schema and plugins, but nothing of ours in front of it. */
export async function serveByYoga(store: Store, options: ServingOptions = {}): Promise<Serving> {
  const { yogaOptions, logger, refusals } = partsOf(store, options);
  const yoga = createGraphQLYoga(yogaOptions);
  const server = createServer((request, response) =>
    yoga.handle(request, response, { caller: 'somebody' }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const url = new URL(`http://127.0.0.1:${port}/graphql`);
  const close = async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { url, logger, refusals, [Symbol.asyncDispose]: close };
}
