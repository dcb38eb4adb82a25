import type { ExecutionArgs } from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import type { GraphQLContext } from '../../graphql/context.ts';
import type { Mask } from '../../graphql/errors.ts';
import { subscribeLive } from '../../graphql/execution/live.ts';
import type { TransportOptions } from '../options.ts';
import type { RequestContext } from '../request-context.ts';
import { subscriberContext } from '../resolver-context.ts';

/** Subscribers share the rendering of each event; of a query that has already run, only the errors are masked. */
export function useSharedWork(
  options: TransportOptions,
  mask: Mask,
): Plugin<RequestContext & GraphQLContext, RequestContext> {
  return {
    onSubscribe({ args: { contextValue }, setSubscribeFn }) {
      const subscribed = subscriberContext(options, contextValue);
      setSubscribeFn((args: ExecutionArgs) =>
        subscribeLive({ ...args, contextValue: subscribed }, options.renderings),
      );
    },
    onExecute({ args, setResultAndStopExecution }) {
      const { executed, onAnswered } = args.contextValue;
      if (executed !== undefined) {
        const errors = executed.errors?.map(mask);
        setResultAndStopExecution({ ...executed, ...(errors === undefined ? {} : { errors }) });
        return undefined;
      }
      return {
        onExecuteDone: ({ result }) => {
          if (!isAsyncIterable(result) && result.errors === undefined) onAnswered?.(args.document);
        },
      };
    },
  };
}
