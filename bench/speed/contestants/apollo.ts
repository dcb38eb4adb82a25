/** Apollo Server on its own HTTP server, with its response cache. */
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginCacheControl } from '@apollo/server/plugin/cacheControl';
import { startStandaloneServer } from '@apollo/server/standalone';
import responseCachePlugin from '@apollo/server-plugin-response-cache';
import { tell } from '../messages.ts';
import { SDL } from '../rows.ts';
import { askUpstream } from './common.ts';

const LONG_SECONDS = 3_600;

const server = new ApolloServer({
  typeDefs: SDL,
  resolvers: {
    Query: { topup: (_root: unknown, { id }: { readonly id: string }) => askUpstream(id) },
  },
  plugins: [ApolloServerPluginCacheControl({ defaultMaxAge: LONG_SECONDS }), responseCachePlugin()],
});
const { url } = await startStandaloneServer(server, { listen: { port: 0, host: '127.0.0.1' } });
tell({ kind: 'listening', port: Number(new URL(url).port) });
