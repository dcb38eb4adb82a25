import { createComplexityRule } from '@pothos/plugin-complexity';
import { type ExecutionArgs, GraphQLError, validate } from 'graphql';
import { limitExceeded } from './refusal.ts';

/**
 * Why an operation may not run for what it costs: 1 for a field, what its annotation says for one that may
 * have OneClickDz asked, and both times the length of each list around it. `undefined` where it may.
 *
 * Only once the document is known to be valid, since it reads the schema along the document; and apart
 * from validation, whose outcome is remembered for a document while the cost depends on the variables.
 * Variables and arguments that do not fit are an error too: they would go uncounted.
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
