import type { ExecutionArgs } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { GraphQLContext } from '../../graphql/context.ts';
import { subscribeLive } from '../../graphql/execution/live.ts';
import type { TransportOptions } from '../options.ts';
import type { RequestContext } from '../request-context.ts';
import { subscriberContext } from '../resolver-context.ts';

/** Renders each event once for all subscribers who ask the same. */
export function useLiveEvents(
  options: TransportOptions,
): Plugin<RequestContext & GraphQLContext, RequestContext> {
  return {
    onSubscribe({ args: { contextValue }, setSubscribeFn }) {
      const subscribed = subscriberContext(options, contextValue);
      setSubscribeFn((args: ExecutionArgs) =>
        subscribeLive({ ...args, contextValue: subscribed }, options.renderings),
      );
    },
  };
}
