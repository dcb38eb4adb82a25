import { type Basis, NO_BASIS } from '../core/basis.ts';
import { type Asker, type GraphQLContext, sharedChecks } from '../graphql/context.ts';
import type { TransportOptions } from './options.ts';

type ContextOptions = Pick<TransportOptions, 'parts' | 'guard'>;

/** What resolvers are given. */
export function contextFor(
  { parts, guard }: ContextOptions,
  { access, caller, basis }: Asker & { readonly basis: Basis },
): GraphQLContext {
  return { ...guard.lookups.partsFor(parts, access.ticket ?? caller), access, basis };
}

/** The same for whoever stays: without the request, and all else that is over once it has been answered. */
export function subscriberContext(
  options: ContextOptions,
  { access, caller }: Asker,
): GraphQLContext {
  const own = contextFor(options, { access, caller, basis: NO_BASIS });
  return { ...own, ...sharedChecks(access) };
}
