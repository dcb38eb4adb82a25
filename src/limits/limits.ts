/** What one client may take. Each has a name in the environment, see `variables.ts`. */
export interface Limits {
  /** Of one HTTP request's body. */
  readonly bodyBytes: number;
  /** Lexical tokens of one document. */
  readonly queryTokens: number;
  /** Fields inside one another, fragments followed. */
  readonly queryDepth: number;
  /** What one operation may cost: a field is 1, times the length of each list around it; see `cost.ts`. */
  readonly queryCost: number;
  /** Aliases in one operation, those of fragments once for each time they are spread. */
  readonly queryAliases: number;
  /** Of one WebSocket message. */
  readonly messageBytes: number;
  /** Sockets and event streams, of all clients together. */
  readonly connections: number;
  /** Sockets and event streams of one address. */
  readonly connectionsPerAddress: number;
  /** Operations that run on one socket at a time. */
  readonly subscriptionsPerConnection: number;
  /** How long a socket may take to say `connection_init`. */
  readonly connectionInitTimeoutMs: number;
  /** Messages on one socket, over time. */
  readonly messagesPerSecond: number;
  /** How long a client may go without reading any of what waits for it. */
  readonly slowClientTimeoutMs: number;
  /** How long a client may take to send one HTTP request, body included. */
  readonly requestTimeoutMs: number;
  /** Lookups of one caller that have OneClickDz asked. */
  readonly uncachedLookupsPerMinute: number;
  /** How many proxies of ours are in front and tell the client's address in X-Forwarded-For. */
  readonly trustedProxies: number;
  readonly introspection: boolean;
  readonly graphiql: boolean;
  /** A file of the only operations that are run; without one every operation is. */
  readonly trustedDocuments: string | undefined;
}

/** The lookups that one client may cause are half of all calls: it can slow the others down, not stop them. */
export const LOOKUPS_PART_OF_BUDGET = 0.5;

export const DEFAULT_LIMITS: Limits = {
  // A query of 1,000 tokens and 100 ids is below 20 kB.
  bodyBytes: 100_000,
  // GraphiQL's introspection query, the largest that we know to be needed, has about 340.
  queryTokens: 1_000,
  // Introspection goes 15 deep, the gateway's own fields 5.
  queryDepth: 16,
  // A hundred orders with all their fields, or a hundred entries of a history, cost about 3,000.
  queryCost: 5_000,
  queryAliases: 30,
  messageBytes: 100_000,
  connections: 10_000,
  connectionsPerAddress: 200,
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
  | 'connection_init'
  | 'slow_client'
  | 'request_timeout'
  | 'headers'
  | 'lookups'
  | 'trusted_documents';

/** Told of each refusal. */
export type OnRefused = (limit: LimitName) => void;
