import { GatewayError } from '../errors.ts';
import type { TrustedDocuments } from './trusted-documents.ts';

/** How much of the gateway clients may use. Each limit has an environment variable; see `variables.ts`. */
export interface Limits {
  /** The size of the body of one HTTP request. */
  readonly bodyBytes: number;
  /** Lexical tokens of one document. */
  readonly queryTokens: number;
  /** How deep fields are nested, with fragments followed. */
  readonly queryDepth: number;
  /** The cost of one operation: a field costs 1, times the length of each list around it; see `cost.ts`. */
  readonly queryCost: number;
  /** Aliases in one operation. Those in a fragment count each time that the fragment is spread. */
  readonly queryAliases: number;
  /** The size of one WebSocket message. */
  readonly messageBytes: number;
  /** WebSockets and event streams of all clients together. */
  readonly connections: number;
  /** WebSockets and event streams of one address. */
  readonly connectionsPerAddress: number;
  /** Operations that run on one WebSocket at a time. */
  readonly subscriptionsPerConnection: number;
  /** How long a client may take to send `connection_init` on a new WebSocket. */
  readonly connectionInitTimeoutMs: number;
  /** The rate of messages on one WebSocket. */
  readonly messagesPerSecond: number;
  /** How long a client may read nothing of what is queued for it. */
  readonly slowClientTimeoutMs: number;
  /** How long a client may take to send one HTTP request, body included. */
  readonly requestTimeoutMs: number;
  /** Lookups of one caller that cause a call to OneClickDz. */
  readonly uncachedLookupsPerMinute: number;
  /** How many trusted proxies in front of the gateway pass on the client's address in X-Forwarded-For. */
  readonly trustedProxies: number;
  readonly introspection: boolean;
  readonly graphiql: boolean;
  /** The only operations that may run; `undefined` if every operation may. */
  readonly trustedDocuments: TrustedDocuments | undefined;
}

/** By default one client may cause at most half of all calls: it can slow the others down, but not stop them. */
export const LOOKUPS_PART_OF_BUDGET = 0.5;

export const DEFAULT_LIMITS: Limits = {
  // A query of 1,000 tokens and 100 ids is below 20 kB.
  bodyBytes: 100_000,
  // GraphiQL's introspection query, the largest that we know to be needed, has fewer than 200.
  queryTokens: 1_000,
  // Introspection goes 15 deep, the gateway's own fields 5.
  queryDepth: 16,
  // A hundred orders with all their fields cost 3,000, a hundred entries of a history 2,300.
  queryCost: 5_000,
  queryAliases: 30,
  messageBytes: 100_000,
  connections: 10_000,
  connectionsPerAddress: 200,
  // With 200, one event to all that one address may have would hold up everybody else for a second.
  subscriptionsPerConnection: 100,
  connectionInitTimeoutMs: 3_000,
  messagesPerSecond: 50,
  slowClientTimeoutMs: 10_000,
  requestTimeoutMs: 15_000,
  uncachedLookupsPerMinute: 120 * LOOKUPS_PART_OF_BUDGET,
  trustedProxies: 0,
  introspection: true,
  graphiql: true,
  trustedDocuments: undefined,
};

/** Which limit refused something: the label of `topup_gateway_refused_total`. */
export type LimitName =
  | 'body'
  | 'tokens'
  | 'depth'
  | 'cost'
  | 'aliases'
  | 'directives'
  | 'introspection'
  | 'batch'
  | 'message_size'
  | 'message_rate'
  | 'connections'
  | 'connections_per_address'
  | 'subscriptions_per_connection'
  | 'subscriptions_size'
  | 'connection_init'
  | 'slow_client'
  | 'request_timeout'
  | 'headers'
  | 'pipelined'
  | 'lookups'
  | 'trusted_documents';

/** Called for each refusal. */
export type OnRefused = (limit: LimitName) => void;

/** The error for a client that exceeds a limit. */
export function limitExceeded(message: string, retryAfterMs?: number): GatewayError {
  return new GatewayError('LIMIT_EXCEEDED', message, { retryAfterMs });
}
