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
    cursorFieldOptions: { description: 'The cursor of this entry, for `after` and `before`.' },
    pageInfoTypeOptions: { description: 'Whether there is more before and after a page.' },
    pageInfoFieldOptions: { description: 'Whether there is more before and after this page.' },
    hasNextPageFieldOptions: { description: 'Whether anything follows this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether anything comes before this page.' },
    startCursorFieldOptions: {
      description:
        'The first cursor of the page; as `before`, it asks for the page before. `null` if the page is empty.',
    },
    endCursorFieldOptions: {
      description:
        'The last cursor of the page; as `after`, it asks for the next page. `null` if the page is empty.',
    },
    firstArgOptions: {
      description:
        'How many entries, counted from the start; at most 100. Not together with `last`.',
    },
    lastArgOptions: {
      description:
        'How many entries, counted from the end; at most 100. Not together with `first`.',
    },
    afterArgOptions: { description: 'Only what follows this cursor.' },
    beforeArgOptions: { description: 'Only what comes before this cursor.' },
  },
});

builder.queryType({ description: 'Ask once.' });
builder.subscriptionType({ description: 'Stay informed, over WebSocket or server-sent events.' });
