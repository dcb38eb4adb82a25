import { type AuthConfig, createTickets } from '../../src/auth/tickets.ts';
import { type Clock, systemClock } from '../../src/core/ports.ts';
import type { Store } from '../../src/core/store.ts';
import { noTelemetry } from '../../src/core/telemetry.ts';
import type { Topups } from '../../src/core/topups.ts';
import { createFeed } from '../../src/feed/feed.ts';
import { toPublicError } from '../../src/graphql/errors.ts';
import { Renderings } from '../../src/graphql/renderings.ts';
import { createGuard } from '../../src/limits/guard.ts';
import { DEFAULT_LIMITS, type Limits } from '../../src/limits/limits.ts';
import { Drain } from '../../src/transports/drain.ts';
import { renderGraphiQL } from '../../src/transports/graphiql.ts';
import { createAnswers, GraphQLHttp } from '../../src/transports/graphql-http.ts';
import { LazyPage } from '../../src/transports/page.ts';
import { GatewayServer } from '../../src/transports/server.ts';
import { createWebSocketTransport } from '../../src/transports/ws.ts';
import { createGraphQLYoga } from '../../src/transports/yoga.ts';
import { recordingLogger } from './recording-logger.ts';

export interface Serving extends AsyncDisposable {
  readonly url: URL;
  readonly logger: ReturnType<typeof recordingLogger>;
  /** The limits that refused something, in the order in which they did. */
  readonly refusals: readonly string[];
}

const noTopups: Topups = { lookup: async () => null };

/** The real server, over real sockets, on a log that the test writes itself: nothing polls. */
export async function serve(
  store: Store,
  options: {
    readonly topups?: Topups;
    readonly allowedOrigins?: readonly string[];
    readonly limits?: Partial<Limits>;
    readonly auth?: AuthConfig;
    readonly clock?: Clock;
    readonly onRemembered?: () => void;
    readonly renderings?: Renderings;
  } = {},
): Promise<Serving> {
  const { topups = noTopups, allowedOrigins = [], auth = { kind: 'none' } } = options;
  const logger = recordingLogger();
  const clock = options.clock ?? systemClock;
  const refusals: string[] = [];
  const guard = await createGuard({
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    clock,
    onRefused: (limit) => refusals.push(limit),
  });
  const watch = { watch: () => () => undefined };
  const feed = createFeed({ log: store, watch, clock, telemetry: noTelemetry });
  const status = {
    gatewayStatus: () => Promise.reject(new Error('nobody asks for the status here')),
  };
  const drain = new Drain();
  const tickets = createTickets(auth, { clock, logger, fetch });
  const onQuery = () => undefined;
  const parts = { topups, feed, log: store, status };
  const renderings = options.renderings ?? new Renderings((error) => toPublicError(error, logger));
  const yogaOptions = {
    parts,
    tickets,
    logger,
    clock,
    allowedOrigins,
    guard,
    renderings,
    onQuery,
  };
  const yoga = createGraphQLYoga(yogaOptions);
  const answers = createAnswers(yogaOptions);
  const server = new GatewayServer({
    host: '127.0.0.1',
    port: 0,
    graphql: new GraphQLHttp({ yoga, answers, guard, clock, onQuery }),
    answers,
    onRemembered: options.onRemembered ?? (() => undefined),
    webSockets: createWebSocketTransport({ ...yogaOptions, yoga, drain }),
    tickets,
    isOpenOnPurpose: false,
    guard,
    page: guard.limits.graphiql ? new LazyPage(() => renderGraphiQL([])) : undefined,
    drain,
    status,
    scrape: async () => ({ contentType: 'text/plain', text: '' }),
    allowedOrigins,
    clock,
    logger,
  });
  const url = await server.listen();
  return { url, logger, refusals, [Symbol.asyncDispose]: () => server.close() };
}
