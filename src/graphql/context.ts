import type { Access } from '../core/access.ts';
import type { Basis } from '../core/basis.ts';
import type { GatewayStatusSource } from '../core/gateway-status.ts';
import type { SnapshotLog } from '../core/store.ts';
import type { Topups } from '../core/topups.ts';
import type { Feed } from '../feed/feed.ts';

/** What resolvers are given for one request. */
export interface GraphQLContext extends GraphQLParts {
  /** What whoever asks may see. */
  readonly access: Access;
  /** Told what the answer rests on. */
  readonly basis: Basis;
}

/** The same for every request. */
export interface GraphQLParts {
  readonly topups: Topups;
  readonly feed: Feed;
  readonly log: SnapshotLog;
  readonly status: GatewayStatusSource;
}
