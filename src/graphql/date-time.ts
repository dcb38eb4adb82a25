import { GraphQLError } from 'graphql';
import { builder } from './builder.ts';

builder.scalarType('DateTime', {
  description: 'A moment in UTC, as in `2025-10-29T01:05:30.000Z`.',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
  serialize: (unixMs) => new Date(unixMs).toISOString(),
  parseValue: () => {
    throw new GraphQLError('DateTime is not accepted as input.');
  },
});
