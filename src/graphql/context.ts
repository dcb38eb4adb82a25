import type { GatewayStatusSource } from '../core/gateway-status.ts';
import type { SnapshotLog } from '../core/store.ts';
import type { Topups } from '../core/topups.ts';
import type { Feed } from '../feed/feed.ts';

/** What resolvers are given. The same for every request. */
export interface GraphQLContext {
  readonly topups: Topups;
  readonly feed: Feed;
  readonly log: SnapshotLog;
  readonly status: GatewayStatusSource;
}
