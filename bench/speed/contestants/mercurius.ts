/** Mercurius with JIT and mercurius-cache, in memory; subscriptions through its own emitter. */
import Fastify from 'fastify';
import mercurius from 'mercurius';
import cache from 'mercurius-cache';
import { onCommand, type Publish, tell } from '../messages.ts';
import { SDL, SUBSCRIPTION_SDL } from '../rows.ts';
import { askUpstream, changed } from './common.ts';

const LONG_SECONDS = 3_600;

const app = Fastify();
await app.register(mercurius, {
  schema: SDL + SUBSCRIPTION_SDL,
  jit: 1,
  subscription: true,
  resolvers: {
    Query: { topup: (_root: unknown, { id }: { readonly id: string }) => askUpstream(id) },
    Subscription: {
      topupStatus: {
        subscribe: (_root: unknown, { id }: { readonly id: string }, { pubsub }) =>
          pubsub.subscribe(`topup/${id}`),
      },
    },
  },
});
await app.register(cache, {
  ttl: LONG_SECONDS,
  storage: { type: 'memory', options: { size: 100_000 } },
  policy: { Query: { topup: true } },
});

onCommand((command) => {
  if (command.kind === 'publish') void publish(command).then(() => tell({ kind: 'done' }));
});

async function publish(command: Publish): Promise<void> {
  for (const topupStatus of changed(command)) {
    await app.graphql.pubsub.publish({
      topic: `topup/${topupStatus.id}`,
      payload: { topupStatus },
    });
  }
}

await app.listen({ port: 0, host: '127.0.0.1' });
tell({ kind: 'listening', port: app.addresses()[0]?.port ?? 0 });
