/** Yoga on a SQLite table, and graphql-ws over Yoga's pub/sub, as their documentation shows. */
import { createServer } from 'node:http';
import Database from 'better-sqlite3';
import { useServer } from 'graphql-ws/use/ws';
import { createPubSub, createSchema, createYoga } from 'graphql-yoga';
import { WebSocketServer } from 'ws';
import { type Row, SDL, SUBSCRIPTION_SDL } from '../rows.ts';
import { listen, publishBy } from './common.ts';

const database = new Database(process.env['PLAIN_DATABASE'] ?? ':memory:', { readonly: true });
const find = database.prepare('SELECT * FROM topups WHERE id = ?');
const pubSub = createPubSub<{ topup: [id: string, payload: { topupStatus: Row }] }>();

const yoga = createYoga({
  schema: createSchema({
    typeDefs: [SDL, SUBSCRIPTION_SDL],
    resolvers: {
      Query: { topup: (_root: unknown, { id }: { readonly id: string }) => find.get(id) ?? null },
      Subscription: {
        topupStatus: {
          subscribe: (_root: unknown, { id }: { readonly id: string }) =>
            pubSub.subscribe('topup', id),
        },
      },
    },
  }),
  logging: false,
});

const server = createServer(yoga);
const sockets = new WebSocketServer({ server, path: yoga.graphqlEndpoint });

// As in Yoga's documentation of subscriptions.
useServer(
  {
    execute: ({ rootValue, ...args }) => Object(rootValue).execute(args),
    subscribe: ({ rootValue, ...args }) => Object(rootValue).subscribe(args),
    async onSubscribe(context, _id, params) {
      const enveloped = yoga.getEnveloped({
        ...context,
        req: context.extra.request,
        socket: context.extra.socket,
        params,
      });
      const { schema, execute, subscribe, contextFactory, parse, validate } = enveloped;
      const args = {
        schema,
        operationName: params.operationName,
        document: parse(params.query),
        variableValues: params.variables,
        contextValue: await contextFactory(),
        rootValue: { execute, subscribe },
      };
      const errors = validate(args.schema, args.document);
      return errors.length > 0 ? errors : args;
    },
  },
  sockets,
);

publishBy((topupStatus) => pubSub.publish('topup', topupStatus.id, { topupStatus }));

listen(server);
