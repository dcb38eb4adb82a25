import * as z from 'zod';
import { wholeNumber } from '../whole-number.ts';
import { DEFAULT_LIMITS, type Limits, LOOKUPS_PART_OF_BUDGET } from './limits.ts';
import { TrustedDocuments } from './trusted-documents.ts';

const MANY = 100_000_000;

const onOrOff = z.stringbool({
  truthy: ['on'],
  falsy: ['off'],
  case: 'sensitive',
  error: 'on or off',
});

/** The environment variables that set limits: a part of the schema of the whole environment. */
export const limitVariables = {
  MAX_BODY_BYTES: wholeNumber(1_000, MANY).default(DEFAULT_LIMITS.bodyBytes),
  MAX_QUERY_TOKENS: wholeNumber(1, MANY).default(DEFAULT_LIMITS.queryTokens),
  // Parsing and validation recurse as deep.
  MAX_QUERY_DEPTH: wholeNumber(1, 1_000).default(DEFAULT_LIMITS.queryDepth),
  MAX_QUERY_COST: wholeNumber(1, MANY).default(DEFAULT_LIMITS.queryCost),
  MAX_QUERY_ALIASES: wholeNumber(0, MANY).default(DEFAULT_LIMITS.queryAliases),
  MAX_MESSAGE_BYTES: wholeNumber(1_000, MANY).default(DEFAULT_LIMITS.messageBytes),
  MAX_CONNECTIONS: wholeNumber(1, 1_000_000).default(DEFAULT_LIMITS.connections),
  MAX_CONNECTIONS_PER_ADDRESS: wholeNumber(1, 1_000_000).default(
    DEFAULT_LIMITS.connectionsPerAddress,
  ),
  MAX_SUBSCRIPTIONS_PER_CONNECTION: wholeNumber(1, 100_000).default(
    DEFAULT_LIMITS.subscriptionsPerConnection,
  ),
  CONNECTION_INIT_TIMEOUT_MS: wholeNumber(100, 300_000).default(
    DEFAULT_LIMITS.connectionInitTimeoutMs,
  ),
  MAX_MESSAGES_PER_SECOND: wholeNumber(1, 100_000).default(DEFAULT_LIMITS.messagesPerSecond),
  SLOW_CLIENT_TIMEOUT_MS: wholeNumber(100, 300_000).default(DEFAULT_LIMITS.slowClientTimeoutMs),
  REQUEST_TIMEOUT_MS: wholeNumber(100, 300_000).default(DEFAULT_LIMITS.requestTimeoutMs),
  UNCACHED_LOOKUPS_PER_MINUTE: wholeNumber(1, 100_000).optional(),
  TRUST_PROXY: wholeNumber(0, 10).default(DEFAULT_LIMITS.trustedProxies),
  INTROSPECTION: onOrOff.default(DEFAULT_LIMITS.introspection),
  GRAPHIQL: onOrOff.default(DEFAULT_LIMITS.graphiql),
  TRUSTED_DOCUMENTS: z
    .string()
    .transform((path, context) => {
      const documents = TrustedDocuments.read(path);
      if (documents instanceof TrustedDocuments) return documents;
      context.addIssue(documents.expected);
      return z.NEVER;
    })
    .optional(),
};

type LimitVariables = z.infer<z.ZodObject<typeof limitVariables>>;

export function toLimits(
  given: LimitVariables & { readonly UPSTREAM_CALLS_PER_MINUTE: number },
): Limits {
  return {
    bodyBytes: given.MAX_BODY_BYTES,
    queryTokens: given.MAX_QUERY_TOKENS,
    queryDepth: given.MAX_QUERY_DEPTH,
    queryCost: given.MAX_QUERY_COST,
    queryAliases: given.MAX_QUERY_ALIASES,
    messageBytes: given.MAX_MESSAGE_BYTES,
    connections: given.MAX_CONNECTIONS,
    connectionsPerAddress: given.MAX_CONNECTIONS_PER_ADDRESS,
    subscriptionsPerConnection: given.MAX_SUBSCRIPTIONS_PER_CONNECTION,
    connectionInitTimeoutMs: given.CONNECTION_INIT_TIMEOUT_MS,
    messagesPerSecond: given.MAX_MESSAGES_PER_SECOND,
    slowClientTimeoutMs: given.SLOW_CLIENT_TIMEOUT_MS,
    requestTimeoutMs: given.REQUEST_TIMEOUT_MS,
    uncachedLookupsPerMinute:
      given.UNCACHED_LOOKUPS_PER_MINUTE ??
      Math.ceil(given.UPSTREAM_CALLS_PER_MINUTE * LOOKUPS_PART_OF_BUDGET),
    trustedProxies: given.TRUST_PROXY,
    introspection: given.INTROSPECTION,
    // GraphiQL's queries are not among the trusted documents.
    graphiql: given.GRAPHIQL && given.TRUSTED_DOCUMENTS === undefined,
    trustedDocuments: given.TRUSTED_DOCUMENTS,
  };
}
