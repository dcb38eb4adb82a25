import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client/core';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import {
  type Exchange,
  fetchExchange,
  subscriptionExchange,
  Client as UrqlClient,
} from '@urql/core';
import { print } from 'graphql';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import {
  AskTopupDocument,
  type AskTopupQuery,
  FollowTopupDocument,
  type FollowTopupSubscription,
  TopupHistoryDocument,
  type TopupHistoryQuery,
} from '../../schema/typed-documents.ts';
import {
  type GatewayOverSimulator,
  startGatewayOverSimulator,
} from '../support/gateway-over-simulator.ts';
import type { Addresses } from '../support/graphql-over-the-wire.ts';
import { ledLife } from '../support/led-life.ts';

/** What a page would do with a client, whichever it is. */
interface Client {
  ask(id: string): Promise<AskTopupQuery | null | undefined>;
  /** Ends where the client says that the subscription is complete; throws whatever it reports as an error. */
  follow(id: string): AsyncIterable<FollowTopupSubscription | null | undefined>;
  /** The versions in an order's history. */
  history(id: string): Promise<readonly number[]>;
  /** The codes of the errors that the client reports for a query with a malformed id. */
  codesOfMalformed(): Promise<readonly unknown[]>;
  close(): unknown;
}

const MALFORMED = '?';

const webSocketImpl = WebSocket;

function graphqlWs({ wsUrl }: Addresses): Client {
  const client = createWsClient({ url: wsUrl, webSocketImpl });
  return overIteration((operation) => client.iterate(operation), client);
}

function graphqlSse({ url }: Addresses): Client {
  const client = createSseClient({ url, singleConnection: false, retryAttempts: 0 });
  return overIteration((operation) => client.iterate(operation), client);
}

/** graphql-ws and graphql-sse have the same shape: operations are results to iterate over. */
function overIteration(
  iterate: <Data>(operation: {
    query: string;
    variables: Record<string, unknown>;
  }) => AsyncIterable<{ data?: Data | null | undefined; errors?: readonly object[] | undefined }>,
  { dispose }: { dispose(): unknown },
): Client {
  const results = <Data>(document: Parameters<typeof print>[0], id: string) =>
    iterate<Data>({ query: print(document), variables: { id } });
  return {
    async ask(id) {
      const [result] = await Array.fromAsync(results<AskTopupQuery>(AskTopupDocument, id));
      return result?.data;
    },
    async *follow(id) {
      for await (const result of results<FollowTopupSubscription>(FollowTopupDocument, id)) {
        if (result.errors !== undefined) throw new Error(JSON.stringify(result.errors));
        yield result.data;
      }
    },
    async history(id) {
      const [result] = await Array.fromAsync(results<TopupHistoryQuery>(TopupHistoryDocument, id));
      return versionsOf(result?.data);
    },
    async codesOfMalformed() {
      const [result] = await Array.fromAsync(results(AskTopupDocument, MALFORMED));
      return (result?.errors ?? []).map(codeOf);
    },
    close: () => dispose(),
  };
}

function apollo({ url, wsUrl }: Addresses): Client {
  const socket = createWsClient({ url: wsUrl, webSocketImpl });
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(
      ({ operationType }) => operationType === 'subscription',
      new GraphQLWsLink(socket),
      new HttpLink({ uri: url }),
    ),
  });
  const query = (id: string) =>
    client.query({ query: AskTopupDocument, variables: { id }, errorPolicy: 'all' });
  return {
    ask: async (id) => (await query(id)).data,
    follow: (id) =>
      new ReadableStream({
        start(controller) {
          const events = client.subscribe({ query: FollowTopupDocument, variables: { id } });
          events.subscribe({
            next: ({ data, error }) => {
              if (error === undefined) controller.enqueue(data);
              else controller.error(error);
            },
            error: (error) => controller.error(error),
            complete: () => controller.close(),
          });
        },
      }),
    async history(id) {
      const { data } = await client.query({ query: TopupHistoryDocument, variables: { id } });
      return versionsOf(data);
    },
    async codesOfMalformed() {
      const { error } = await query(MALFORMED);
      return error !== undefined && 'errors' in error && Array.isArray(error.errors)
        ? error.errors.map(codeOf)
        : [];
    },
    close() {
      client.stop();
      return socket.dispose();
    },
  };
}

function urqlOverWebSocket({ url, wsUrl }: Addresses): Client {
  const socket = createWsClient({ url: wsUrl, webSocketImpl });
  const overSocket = subscriptionExchange({
    forwardSubscription: ({ query = '', variables }) => ({
      subscribe: (sink) => ({
        unsubscribe: socket.subscribe(
          { query, variables: { ...variables } },
          {
            next: ({ data = null, errors }) =>
              sink.next(errors === undefined ? { data } : { data, errors }),
            error: (error) => sink.error(error),
            complete: () => sink.complete(),
          },
        ),
      }),
    }),
  });
  return urql(url, [fetchExchange, overSocket], () => socket.dispose());
}

/** Without a socket: urql asks for server-sent events by itself. */
function urqlOverServerSentEvents({ url }: Addresses): Client {
  return urql(url, [fetchExchange]);
}

function urql(url: string, exchanges: Exchange[], close = (): unknown => undefined): Client {
  const client = new UrqlClient({
    url,
    exchanges,
    preferGetMethod: false,
    fetchSubscriptions: exchanges.length === 1,
  });
  const query = (id: string) => client.query(AskTopupDocument, { id }).toPromise();
  return {
    ask: async (id) => (await query(id)).data,
    follow: (id) =>
      new ReadableStream({
        start(controller) {
          client.subscription(FollowTopupDocument, { id }).subscribe(({ data, error, hasNext }) => {
            if (error !== undefined) controller.error(error);
            // The last result once more: how urql says that the subscription is complete.
            else if (!hasNext) controller.close();
            else controller.enqueue(data);
          });
        },
      }),
    history: async (id) =>
      versionsOf((await client.query(TopupHistoryDocument, { id }).toPromise()).data),
    codesOfMalformed: async () => ((await query(MALFORMED)).error?.graphQLErrors ?? []).map(codeOf),
    close,
  };
}

function versionsOf(data: TopupHistoryQuery | null | undefined): readonly number[] {
  return data?.topup?.history.edges.map(({ node }) => node.version) ?? [];
}

function codeOf(error: object): unknown {
  if (!('extensions' in error)) return undefined;
  const { extensions } = error;
  const known = typeof extensions === 'object' && extensions !== null && 'code' in extensions;
  return known ? extensions.code : undefined;
}

let stack: GatewayOverSimulator;

beforeAll(async () => {
  stack = await startGatewayOverSimulator();
});

afterAll(() => stack[Symbol.asyncDispose]());

describe.concurrent.each([
  ['graphql-ws', graphqlWs],
  ['graphql-sse', graphqlSse],
  ['Apollo Client', apollo],
  ['urql over WebSocket', urqlOverWebSocket],
  ['urql over server-sent events', urqlOverServerSentEvents],
])('%s', (_, create) => {
  let client: Client;

  beforeAll(() => {
    client = create(stack.gateway);
  });

  afterAll(async () => {
    await client.close();
  });

  it('asks for an order', async () => {
    const id = stack.simulator.addOrder({ plan: ledLife('QUEUED').plan, amount: 500 });
    const data = await client.ask(id);
    expect(data?.topup).toMatchObject({ id, status: 'QUEUED', amount: 500, version: 1 });
  });

  it('follows an order to its end, misses nothing, is told that it is complete, and reads it all again', async () => {
    const life = ledLife();
    const id = stack.simulator.addOrder({ plan: life.plan });
    const next = ['CHECKING', 'SENDING', 'FULFILLED'];
    const seen: unknown[] = [];
    for await (const data of client.follow(id)) {
      const { version, status, upstreamStatus, isFinal, cardCode } = data?.topupStatus ?? {};
      seen.push({ version, status, upstreamStatus, isFinal, hasCard: cardCode !== null });
      const upcoming = next.shift();
      if (upcoming !== undefined) life.goOn(upcoming);
    }
    const waiting = { isFinal: false, hasCard: false };
    expect(seen).toEqual([
      { version: 1, status: 'HANDLING', upstreamStatus: 'HANDLING', ...waiting },
      { version: 2, status: 'UNKNOWN', upstreamStatus: 'CHECKING', ...waiting },
      { version: 3, status: 'UNKNOWN', upstreamStatus: 'SENDING', ...waiting },
      {
        version: 4,
        status: 'FULFILLED',
        upstreamStatus: 'FULFILLED',
        isFinal: true,
        hasCard: true,
      },
    ]);
    expect(await client.history(id)).toEqual([1, 2, 3, 4]);
  });

  it('is told the code of an error', async () => {
    expect(await client.codesOfMalformed()).toEqual(['BAD_USER_INPUT']);
  });
});
