import type { Cursor } from '../core/cursor.ts';
import { Audiences } from './audience.ts';
import { Following, type FollowingOptions } from './following.ts';
import type { Terms } from './terms.ts';

/** Orders as streams of snapshots. */
export interface Feed {
  /**
   * Yields every snapshot of an order after a cursor, in order, each once; then each new one as it is recorded, until
   * the order is settled. Without a cursor, or with one of another log, it starts with the latest snapshot.
   */
  follow(orderId: string, after?: Cursor, terms?: Terms): Following;
}

export function createFeed(options: Omit<FollowingOptions, 'audiences'>): Feed {
  const parts = { ...options, audiences: new Audiences(options) };
  return {
    follow: (orderId, after, terms = {}) => new Following(parts, orderId, { after, terms }),
  };
}
