import SchemaBuilder from '@pothos/core';
import ComplexityPlugin from '@pothos/plugin-complexity';
import RelayPlugin from '@pothos/plugin-relay';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import type { Scope } from '../core/access.ts';
import type { GraphQLContext } from './context.ts';
import { refusal } from './rights.ts';

export const builder = new SchemaBuilder<{
  Context: GraphQLContext;
  AuthScopes: Record<Scope, boolean>;
  DefaultFieldNullability: false;
  DefaultEdgesNullability: { list: false; items: false };
  DefaultNodeNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    /** Unix milliseconds inside. */
    DateTime: { Input: number; Output: number };
  };
}>({
  // The first plugin is the outermost: nothing runs before it.
  plugins: [ScopeAuthPlugin, ComplexityPlugin, RelayPlugin],
  scopeAuth: {
    authScopes: ({ access }) => ({
      status: access.has('status'),
      card: access.has('card'),
      operator: access.has('operator'),
    }),
    authorizeOnSubscribe: true,
    unauthorizedError: (_parent, { access }, { fieldName }) => refusal(access, fieldName),
  },
  // Fields whose list length depends on arguments set their own complexity.
  complexity: { defaultComplexity: 1, defaultListMultiplier: 1 },
  defaultFieldNullability: false,
  relay: {
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    edgesFieldOptions: {
      nullable: { list: false, items: false },
      description: 'The entries of this page.',
    },
    nodeFieldOptions: { nullable: false, description: 'The entry itself.' },
    cursorFieldOptions: { description: 'The place of the entry, for `after` and `before`.' },
    pageInfoTypeOptions: { description: 'Where a page lies within the whole.' },
    pageInfoFieldOptions: { description: 'Where this page lies within the whole.' },
    hasNextPageFieldOptions: { description: 'Whether anything follows this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether anything comes before this page.' },
    startCursorFieldOptions: { description: 'The place of the first entry.' },
    endCursorFieldOptions: { description: 'The place of the last entry.' },
    firstArgOptions: { description: 'So many from the start, at most 100.' },
    lastArgOptions: { description: 'So many from the end, at most 100.' },
    afterArgOptions: { description: 'Only what follows this cursor.' },
    beforeArgOptions: { description: 'Only what comes before this cursor.' },
  },
});

builder.queryType({ description: 'Ask once.' });
builder.subscriptionType({ description: 'Stay informed, over WebSocket or server-sent events.' });
