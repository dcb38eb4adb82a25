import { type AuthConfig, createTickets } from './auth/tickets.ts';
import type { Config } from './config.ts';
import type { GatewayStatusSource } from './core/gateway-status.ts';
import type { Clock, Fetch, Logger, Random } from './core/ports.ts';
import type { Store } from './core/store.ts';
import type { PlanGivenUp } from './core/telemetry.ts';
import { EXIT_CONFIG, StartupError } from './errors.ts';
import { createFeed } from './feed/feed.ts';
import { toPublicError } from './graphql/errors.ts';
import { Renderings } from './graphql/execution/renderings.ts';
import { createGuard } from './limits/guard.ts';
import type { LimitName } from './limits/limits.ts';
import { refusalLog } from './limits/refusal-log.ts';
import { KeyTrial } from './poller/key-trial.ts';
import { Poller } from './poller/poller.ts';
import { addDemoOrders, type DemoOrder } from './simulator/demo.ts';
import { createSimulator } from './simulator/simulator.ts';
import { StoreOpenError } from './store/errors.ts';
import { sparingCensus } from './store/sparing-census.ts';
import { FileWatch } from './store/sqlite/file-watch.ts';
import { lockDatabase } from './store/sqlite/lock.ts';
import { keyFileInUse, openSqliteStore, type SqliteOptions } from './store/sqlite/open.ts';
import { Metrics } from './telemetry/metrics.ts';
import { seldomErrors } from './telemetry/seldom-errors.ts';
import { createAnswers } from './transports/create-answers.ts';
import { Drain } from './transports/drain.ts';
import { LazyPage } from './transports/graphiql/lazy-page.ts';
import { renderGraphiQL } from './transports/graphiql/render.ts';
import { GraphQLHttp } from './transports/http/graphql.ts';
import { GatewayServer } from './transports/server.ts';
import { createWebSocketTransport } from './transports/websocket/transport.ts';
import { createGraphQLYoga } from './transports/yoga.ts';
import { createUpstreamClient, type UpstreamClient } from './upstream/client.ts';

/** What the gateway needs from outside the process. */
interface Outside {
  readonly clock: Clock;
  readonly random: Random;
  readonly fetch: Fetch;
  readonly logger: Logger;
}

export interface Gateway {
  /** The address to open in a browser. */
  readonly url: URL;
  /** Orders to try out; empty unless the simulator stands in for OneClickDz. */
  readonly demoOrders: readonly DemoOrder[];
  /** Lets running queries finish, closes subscriptions so that clients reconnect, and closes the database. */
  stop(): Promise<void>;
}

/**
 * Plugs the folders together: the only place that knows them all.
 *
 * @throws StartupError if the database cannot be used or holds orders of another upstream, or if the gateway cannot
 *   listen on the address.
 */
export async function startGateway(config: Config, given: Outside): Promise<Gateway> {
  const outside = { ...given, logger: seldomErrors(given.logger, given.clock) };
  const upstream = chooseUpstream(config, outside);
  const metrics = new Metrics();
  const database = {
    url: config.databaseUrl,
    cardKeys: config.cardKeys,
    onUnreadableCards: (count: number) => given.logger.error({ count }, UNREADABLE_CARDS),
  };
  const { store, release } = await claimStore(database, upstream.name);
  try {
    // Its errors are each told, since they come only when something has changed.
    const fileWatch = new FileWatch({ ...given, url: config.databaseUrl });
    const parts = { config, outside, upstream, store, fileWatch, metrics };
    const poller = await openPoller(parts);
    const server = serverOf({ ...parts, poller });
    const url = await server.listen();
    poller.start();
    fileWatch.start();
    const keyFile = keyFileInUse(database);
    if (keyFile !== undefined) {
      const message = 'card codes are encrypted with the key in this file: back it up apart';
      outside.logger.info({ keyFile }, message);
    }
    const stop = async () => {
      await server.close();
      await poller.stop();
      fileWatch.stop();
      await release();
    };
    return { url, demoOrders: upstream.demoOrders, stop };
  } catch (error) {
    await release();
    throw error;
  }
}

const UNREADABLE_CARDS =
  'card codes of the newest orders are encrypted with a key that is not there: give it in CARD_CODE_KEYS, or restore the key file of the database';

/** The database notes which upstream its orders come from, so that simulated orders are never taken for real. */
const UPSTREAM_NOTE = 'upstream';

interface ClaimedStore {
  readonly store: Store;
  /** Closes the store, and unlocks its database for another process. */
  readonly release: () => Promise<void>;
}

/** Opens the database, locked for this process, and checks that its orders come from this upstream. */
async function claimStore(database: SqliteOptions, upstream: string): Promise<ClaimedStore> {
  let unlock: (() => void) | undefined;
  let store: Store | undefined;
  const release = async () => {
    try {
      await store?.close();
    } finally {
      unlock?.();
    }
  };
  try {
    unlock = lockDatabase(database.url);
    store = await openSqliteStore(database);
    await checkUpstream(store, database.url, upstream);
    return { store, release };
  } catch (error) {
    await release();
    throw asStartupError(error);
  }
}

async function checkUpstream(store: Store, url: string, upstream: string): Promise<void> {
  const known = await store.recall(UPSTREAM_NOTE);
  if (known === undefined) await store.note(UPSTREAM_NOTE, upstream);
  if (known === undefined || known === upstream) return;
  throw new StartupError(
    `${url} holds orders of ${known}, and this gateway is to run on ${upstream}: delete it, or choose another DATABASE_URL`,
    { exitCode: EXIT_CONFIG },
  );
}

function asStartupError(error: unknown): unknown {
  if (!(error instanceof StoreOpenError)) return error;
  const exitCode = error.isMisconfigured ? EXIT_CONFIG : 1;
  return new StartupError(error.message, { exitCode, cause: error });
}

interface Parts {
  readonly config: Config;
  readonly outside: Outside;
  readonly upstream: Upstream;
  readonly store: Store;
  readonly fileWatch: FileWatch;
  readonly metrics: Metrics;
}

function openPoller({ config, outside, upstream, store, metrics }: Parts): Promise<Poller> {
  const client = createUpstreamClient({
    ...outside,
    ...upstream,
    timeoutMs: config.upstreamTimeoutMs,
    telemetry: metrics,
  });
  return Poller.open({
    ...outside,
    store,
    client,
    apiKey: upstream.apiKey,
    callsPerMinute: config.callsPerMinute,
    // Whoever sets the limit has subtracted what others need.
    mayShareKey: config.apiKey !== undefined && config.isLimitAssumed,
    keyTrial: config.apiKey === undefined ? undefined : keyTrial(config, client, outside),
    telemetry: metrics,
  });
}

function keyTrial(config: Config, client: UpstreamClient, { logger }: Outside): KeyTrial {
  const assumedCallsPerMinute = config.isLimitAssumed ? config.callsPerMinute : undefined;
  return new KeyTrial({ client, logger, assumedCallsPerMinute });
}

interface Polled extends Parts {
  readonly poller: Poller;
}

/** All that stands between the log and the clients. */
function serverOf(parts: Polled): GatewayServer {
  const { config, outside, upstream, store, metrics, poller } = parts;
  const { host, port, limits, allowedOrigins, anyHost } = config;
  const { clock, logger } = outside;
  const status = statusSource(parts);
  const tellOfRefusal = refusalLog(clock, logger);
  const onRefused = (limit: LimitName) => {
    metrics.refused(limit);
    tellOfRefusal(limit);
  };
  const guard = createGuard({ limits, clock, logger, onRefused });
  const onPlanGivenUp = (reason: PlanGivenUp) => metrics.planGivenUp(reason);
  const tickets = createTickets(config.auth, outside);
  const feed = createFeed({ log: store, watch: poller, clock, telemetry: metrics });
  const options = {
    parts: { topups: poller, feed, log: store, status },
    tickets,
    logger,
    clock,
    allowedOrigins,
    guard,
    renderings: new Renderings({ mask: (error) => toPublicError(error, logger), onPlanGivenUp }),
    onQuery: (durationMs: number) => metrics.queryDone(durationMs),
    onPlanGivenUp,
  };
  const drain = new Drain();
  const yoga = createGraphQLYoga(options);
  const answers = createAnswers({ ...options, log: store });
  return new GatewayServer({
    host,
    port,
    allowedOrigins,
    anyHost,
    graphql: new GraphQLHttp({ ...options, yoga, answers }),
    answers,
    onRemembered: () => metrics.answerRemembered(),
    webSockets: createWebSocketTransport({ ...options, yoga, drain }),
    tickets,
    guard,
    page: limits.graphiql ? graphiqlOf(upstream, config.auth) : undefined,
    drain,
    status,
    scrape: (known) => metrics.scrape(known),
    clock,
    logger,
  });
}

function graphiqlOf({ demoOrders }: Upstream, auth: AuthConfig): LazyPage {
  const orderIds = demoOrders.map(({ id }) => id);
  return new LazyPage(() => renderGraphiQL({ orderIds, needsTickets: auth.kind !== 'none' }));
}

function statusSource(parts: Polled): GatewayStatusSource {
  const { outside, upstream, store, fileWatch, metrics, poller } = parts;
  const { clock } = outside;
  const startedAt = clock.now();
  const census = sparingCensus(store, clock);
  return {
    async gatewayStatus() {
      const now = clock.now();
      const [longestDue] = await store.due({ before: now, limit: 1 });
      return {
        simulated: upstream.name === 'the simulator',
        upstream: poller.status(),
        canRecord: poller.canRecord,
        isLogInPlace: fileWatch.isInPlace(),
        census: await census(),
        scheduleDelayMs: now - (longestDue?.dueAt ?? now),
        subscriptions: metrics.subscriptions,
        startedAt,
        logId: store.logId,
      };
    },
    callsResumeAt: () => poller.resumesAt,
  };
}

interface Upstream {
  readonly name: 'OneClickDz' | 'the simulator';
  readonly apiKey: string;
  readonly baseUrl: string;
  readonly fetch: Fetch;
  readonly demoOrders: readonly DemoOrder[];
}

/** OneClickDz if there is an API key, else the simulator, which runs in this process. */
function chooseUpstream({ apiKey, baseUrl, callsPerMinute }: Config, outside: Outside): Upstream {
  if (apiKey !== undefined) {
    return { name: 'OneClickDz', apiKey, baseUrl, fetch: outside.fetch, demoOrders: [] };
  }
  const simulator = createSimulator({ clock: outside.clock, callsPerMinute });
  return {
    name: 'the simulator',
    apiKey: simulator.apiKey,
    baseUrl: 'http://simulator.invalid',
    fetch: simulator.fetch,
    demoOrders: addDemoOrders(simulator),
  };
}
