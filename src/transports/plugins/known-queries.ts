import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import type { GraphQLContext } from '../../graphql/context.ts';
import type { Mask } from '../../graphql/errors.ts';
import type { RequestContext } from '../request-context.ts';

/** Of a query that has already run as a known operation, only the errors are masked. */
export function useKnownQueries(
  mask: Mask,
): Plugin<RequestContext & GraphQLContext, RequestContext> {
  return {
    onExecute({ args, setResultAndStopExecution }) {
      const { executed } = args.contextValue;
      if (executed === undefined) return;
      const errors = executed.errors?.map(mask);
      setResultAndStopExecution({ ...executed, ...(errors === undefined ? {} : { errors }) });
    },
  };
}

/** Tells of each query that Yoga has answered without an error: from then on its operation is known. */
export function useAnsweredQueries(): Plugin<RequestContext & GraphQLContext, RequestContext> {
  return {
    onExecute({ args }) {
      const { onAnswered } = args.contextValue;
      return {
        onExecuteDone: ({ result }) => {
          if (!isAsyncIterable(result) && result.errors === undefined) onAnswered?.(args.document);
        },
      };
    },
  };
}
