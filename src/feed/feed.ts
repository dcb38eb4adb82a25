import type { Cursor } from '../core/cursor.ts';
import { type FollowedEvent, Follower, type FollowerOptions } from './follower.ts';

export { type FollowedEvent, topupNotFound } from './follower.ts';

/** Orders as streams of snapshots. */
export interface Feed {
  /**
   * Every snapshot of an order after a cursor, in order, each once; then live, until it is settled.
   * Without a cursor, or with one of another log, the first is the latest.
   */
  follow(orderId: string, after?: Cursor): AsyncIterableIterator<FollowedEvent>;
}

export function createFeed(options: FollowerOptions): Feed {
  return { follow: (orderId, after) => new Follower(options, orderId, after) };
}
