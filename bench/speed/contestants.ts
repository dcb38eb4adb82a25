/** The contestants, and how each is started. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { mintTicket } from '../../src/auth/mint.ts';
import { type Load, type LoadResult, load } from './load.ts';
import { contestantFile, DATA, PROBE, ROOT, TAILCALL, UPSTREAM } from './paths.ts';
import { CLIENT_CORE, Pinned, SERVER_CORE, type Start } from './pinned.ts';

export interface Running {
  readonly who: string;
  /** The URL of GraphQL over HTTP. */
  readonly url: string;
  readonly process: Pinned;
  readonly ticket?: string;
}

export const OURS = 'Topup Gateway';
export const OURS_WITH_TICKETS = 'Topup Gateway, tickets on';
export const BARE_HTTP = 'bare node:http';
export const BARE_HTTP_UNREAD = 'bare node:http, request unread';
export const BARE_WS = 'bare ws';
export const BARE_STREAM = 'bare node:http event stream';
export const YOGA = 'plain Yoga';
export const MERCURIUS = 'Mercurius, JIT and cache';
export const APOLLO = 'Apollo Server, response cache';
export const HIVE = 'Hive Gateway, response cache';
export const TAILCALL_CACHED = 'Tailcall, @cache';

const SECRET = 'a secret that only this bench knows and uses';

/**
 * Limits raised for the bench: it has thousands of clients at one address, which may connect long before they send a
 * request.
 */
export const RAISED_LIMITS = {
  MAX_CONNECTIONS: '100000',
  MAX_CONNECTIONS_PER_ADDRESS: '100000',
  UNCACHED_LOOKUPS_PER_MINUTE: '100000',
  UPSTREAM_CALLS_PER_MINUTE: '60000',
  REQUEST_TIMEOUT_MS: '60000',
} as const;

/** Starts the upstream, on the clients' core. */
export async function startUpstream(): Promise<Running> {
  return started('upstream', { core: CLIENT_CORE, command: [execPath, UPSTREAM] });
}

/** Starts a server of `contestants/` in Node, with the probe, on the server's core. */
export function startNode(
  who: string,
  file: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const command = [execPath, '--expose-gc', '--import', PROBE, contestantFile(file)];
  return started(who, {
    core: SERVER_CORE,
    command,
    // As in production: Fastify and Apollo read this variable.
    environment: { NODE_ENV: 'production', ...environment },
  });
}

async function started(who: string, start: Start): Promise<Running> {
  const process = new Pinned(start);
  const { port } = await process.hear('listening');
  const path = who === APOLLO || who === 'upstream' ? '' : '/graphql';
  return { who, process, url: `http://127.0.0.1:${port}${path}` };
}

export interface GatewayStart {
  readonly database: string;
  readonly upstream: string;
  readonly withTickets?: boolean;
}

const MAIN = join(ROOT, 'src/main.js');

/** The command and the environment that run the gateway as `npm start` does. */
export function gatewayCommand({ database, upstream, withTickets = false }: GatewayStart): Start {
  return {
    core: SERVER_CORE,
    cwd: DATA,
    environment: {
      ...RAISED_LIMITS,
      ONECLICKDZ_API_KEY: 'bench',
      ONECLICKDZ_BASE_URL: upstream,
      DATABASE_URL: `file:${database}`,
      HOST: '127.0.0.1',
      PORT: '0',
      ...(withTickets ? { AUTH_JWT_SECRET: SECRET } : {}),
    },
    command: [execPath, MAIN],
  };
}

export async function startGateway(start: GatewayStart): Promise<Running> {
  const { withTickets = false } = start;
  const process = new Pinned({
    ...gatewayCommand(start),
    // As `npm start` runs it, except that the probe reports its resource usage.
    command: [execPath, '--expose-gc', '--import', PROBE, MAIN],
  });
  const url = await urlOnceUp(process);
  if (!withTickets) return { who: OURS, process, url };
  const scope = 'status card';
  const ticket = await mintTicket({ secret: SECRET, topups: '*', scope, ttlSeconds: 7_200 });
  return { who: OURS_WITH_TICKETS, process, url, ticket };
}

export async function urlOnceUp(process: Pinned): Promise<string> {
  const line = await process.line(/is up: open/);
  return /http:\/\/[^\s"]+/.exec(line)?.[0] ?? '';
}

/** `undefined` if there is no binary for this machine. */
export async function startTailcall(upstream: string): Promise<Running | undefined> {
  if (!existsSync(TAILCALL)) return undefined;
  const port = await freePort();
  mkdirSync(DATA, { recursive: true });
  const config = join(DATA, 'tailcall.graphql');
  writeFileSync(config, tailcallConfig(port, upstream));
  const process = new Pinned({ core: SERVER_CORE, command: [TAILCALL, 'start', config] });
  await process.line(/launched/);
  return { who: TAILCALL_CACHED, process, url: `http://127.0.0.1:${port}/graphql` };
}

function tailcallConfig(port: number, upstream: string): string {
  const check = `${upstream}/v3/internet/check-id/{{.args.id}}`;
  return `schema @server(port: ${port}, hostname: "127.0.0.1", workers: 1) @upstream {
  query: Query
}
type Query {
  topup(id: ID!): Topup @http(url: "${check}", select: "{{.data}}", dedupe: true) @cache(maxAge: 3600000)
}
enum TopupStatus { HANDLING QUEUED FULFILLED REFUNDED UNKNOWN }
type Topup {
  _id: ID! @modify(name: "id")
  ref: String
  type: String
  number: String
  topup_amount: Float @modify(name: "amount")
  status: TopupStatus!
  upstreamStatus: String! @expr(body: "{{.value.status}}")
  card_code: String @modify(name: "cardCode")
  num_trans: String @modify(name: "transactionNumber")
  date_traitement: String @modify(name: "processedAt")
  created_at: String @modify(name: "createdAt")
}
`;
}

/** For a program that cannot choose a free port by itself. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

export interface Loaded extends LoadResult {
  /** The contestant's CPU time per request: hardly affected by what else the machine does. */
  readonly cpuMicroseconds: number;
  /** For how many milliseconds per second the contestant could have run, but its core was taken by something else. */
  readonly waitedMsPerSecond: number;
}

export async function loadOn(
  { url, ticket, process }: Running,
  asked: Pick<Load, 'ids' | 'seconds' | 'query' | 'rate'>,
): Promise<Loaded> {
  const before = process.cpuMs();
  const waitedBefore = process.waitedMs();
  const result = await load({ url, ticket, ...asked });
  const cpuMicroseconds = ((process.cpuMs() - before) * 1_000) / result.requests;
  const seconds = result.requests / result.perSecond;
  const waitedMsPerSecond = (process.waitedMs() - waitedBefore) / seconds;
  return { ...result, cpuMicroseconds, waitedMsPerSecond };
}

/** Runs `work` with all servers started, and stops them afterwards even if it fails. */
export async function whileRunning<T>(
  starts: readonly (() => Promise<Running | undefined>)[],
  work: (running: readonly Running[]) => Promise<T>,
): Promise<T> {
  const running: Running[] = [];
  try {
    for (const start of starts) {
      const one = await start();
      if (one !== undefined) running.push(one);
    }
    return await work(running);
  } finally {
    await Promise.all(running.map(({ process }) => process.stop()));
  }
}
