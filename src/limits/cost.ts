import { createComplexityRule } from '@pothos/plugin-complexity';
import { type ExecutionArgs, GraphQLError, validate } from 'graphql';
import { GatewayError } from '../errors.ts';
import type { Guard } from './guard.ts';
import { limitExceeded } from './limits.ts';

/**
 * The error for an operation that costs too much; `undefined` if it may run. A field costs 1, or what its annotation
 * says if it may cause a call to OneClickDz. Either is multiplied by the length of each list around the field.
 *
 * The document must be known to be valid, since the computation follows it through the schema. Apart from validation,
 * whose outcome is cached for a document: the cost depends on the variables as well. Variables and arguments of the
 * wrong type are an error too, since their cost would not be counted.
 */
export function costError(args: ExecutionArgs, queryCost: number): GraphQLError | undefined {
  const { schema, document, variableValues, operationName, contextValue } = args;
  const rule = createComplexityRule({
    variableValues: variableValues ?? {},
    ...(operationName == null ? {} : { operationName }),
    context: Object(contextValue),
    validate: ({ complexity }, report) => {
      if (complexity <= queryCost) return;
      const originalError = limitExceeded(`The query costs more than ${queryCost}.`);
      report(new GraphQLError(originalError.message, { originalError }));
    },
  });
  try {
    return validate(schema, document, [rule])[0];
  } catch (error) {
    if (error instanceof GraphQLError) return error;
    throw error;
  }
}

/** The same, for an operation that is about to run: counts the refusal. */
export function overCost(
  args: ExecutionArgs,
  { limits, onRefused }: Pick<Guard, 'limits' | 'onRefused'>,
): GraphQLError | undefined {
  const error = costError(args, limits.queryCost);
  // An error in a variable or an argument, which may have an original error too, is no refusal by a limit.
  if (error?.originalError instanceof GatewayError) onRefused('cost');
  return error;
}
