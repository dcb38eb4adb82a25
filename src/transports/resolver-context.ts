import { type Basis, NO_BASIS } from '../core/basis.ts';
import type { Cursor } from '../core/cursor.ts';
import type { Feed } from '../feed/feed.ts';
import type { Account } from '../feed/terms.ts';
import {
  type Asker,
  type CallersParts,
  type GraphQLContext,
  type GraphQLParts,
  type Subscriber,
  sharedChecks,
} from '../graphql/context.ts';
import type { TransportOptions } from './options.ts';

type ContextOptions = Pick<TransportOptions, 'parts' | 'guard'>;

/** The resolvers' context for one request. */
export function contextFor(
  { parts, guard }: ContextOptions,
  { access, caller, basis }: Asker & { readonly basis: Basis },
): GraphQLContext {
  const account = guard.lookups.accountOf(access.ticket ?? caller);
  return { ...partsFor(parts, account), access, basis };
}

/** The parts for the resolvers of one caller, whose lookups are taken off the caller's allowance. */
function partsFor(parts: GraphQLParts, account: Account): CallersParts {
  const { topups, feed } = parts;
  return {
    ...parts,
    topups: {
      lookup: (orderId, maxAgeMs) => topups.lookup(orderId, maxAgeMs, () => account.spend()),
    },
    feed: {
      follow: (orderId, after, terms) => feed.follow(orderId, after, { ...terms, account }),
    },
  };
}

/** The resolvers' context for a subscriber. It outlives the request, so it refers to nothing of the request itself. */
export function subscriberContext(
  options: ContextOptions,
  { access, caller, lastEvent }: Subscriber,
): GraphQLContext {
  const own = contextFor(options, { access, caller, basis: NO_BASIS });
  const turns = options.guard.eventTurns.of(caller);
  const feed = lastEvent === undefined ? own.feed : resumed(own.feed, lastEvent);
  return { ...own, ...sharedChecks(access), feed, turns };
}

function resumed(feed: Feed, lastEvent: Cursor): Feed {
  return { follow: (orderId, _after, terms) => feed.follow(orderId, lastEvent, terms) };
}
