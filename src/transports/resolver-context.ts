import { type Basis, NO_BASIS } from '../core/basis.ts';
import { type Asker, type GraphQLContext, sharedChecks } from '../graphql/context.ts';
import type { TransportOptions } from './options.ts';

type ContextOptions = Pick<TransportOptions, 'parts' | 'guard'>;

/** The resolvers' context for one request. */
export function contextFor(
  { parts, guard }: ContextOptions,
  { access, caller, basis }: Asker & { readonly basis: Basis },
): GraphQLContext {
  return { ...guard.lookups.partsFor(parts, access.ticket ?? caller), access, basis };
}

/** The resolvers' context for a subscriber. It outlives the request, so it refers to nothing of the request itself. */
export function subscriberContext(
  options: ContextOptions,
  { access, caller }: Asker,
): GraphQLContext {
  const own = contextFor(options, { access, caller, basis: NO_BASIS });
  return { ...own, ...sharedChecks(access) };
}
