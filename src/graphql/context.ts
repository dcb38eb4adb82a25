import { contextCacheSymbol } from '@pothos/core';
import { type Access, SCOPES } from '../core/access.ts';
import type { Basis } from '../core/basis.ts';
import type { Cursor } from '../core/cursor.ts';
import type { GatewayStatusSource } from '../core/gateway-status.ts';
import type { SnapshotLog } from '../core/store.ts';
import type { CallersTopups, Topups } from '../core/topups.ts';
import type { Feed } from '../feed/feed.ts';

/** The sender of a request. */
export interface Asker {
  /** What the sender may see. */
  readonly access: Access;
  /** Whose allowance lookups are taken from if there is no ticket. */
  readonly caller: string;
}

/** The sender of a subscription. */
export interface Subscriber extends Asker {
  /** The last event that it has seen, if it has come back: it goes on after that one, whatever its arguments say. */
  readonly lastEvent?: Cursor | undefined;
}

/** The resolvers' context for one request. */
export interface GraphQLContext extends CallersParts {
  /** What the sender of the request may see. */
  readonly access: Access;
  /** Records what the answer rests on. */
  readonly basis: Basis;
  /** Of a subscriber: says when an event may be rendered for it. */
  readonly turns?: OwnTurns;
}

/** The turns of one client. */
export interface OwnTurns {
  /** `undefined` if it is the client's turn; else a promise that resolves when it is. */
  take(): Promise<void> | undefined;
}

/** The parts that resolvers use for one caller. */
export interface CallersParts {
  readonly topups: CallersTopups;
  readonly feed: Feed;
  /** For reading alone: only the poller writes. */
  readonly log: Pick<SnapshotLog, 'logId' | 'read'>;
  readonly status: GatewayStatusSource;
}

/** The parts that are the same for every caller. */
export interface GraphQLParts extends CallersParts {
  readonly topups: Topups;
}

const checks = new Map<string, object>();

/**
 * A property that makes all contexts with the same scopes share one cache of authorization checks. By itself Pothos
 * keeps five tables for each context, and holds the context with them until a full garbage collection.
 */
export function sharedChecks(access: Access): object {
  const scopes = SCOPES.filter((scope) => access.has(scope)).join(' ');
  const known = checks.get(scopes) ?? {};
  checks.set(scopes, known);
  return { [contextCacheSymbol]: known };
}
