import { contextCacheSymbol } from '@pothos/core';
import { type Access, SCOPES } from '../core/access.ts';
import type { Basis } from '../core/basis.ts';
import type { GatewayStatusSource } from '../core/gateway-status.ts';
import type { SnapshotLog } from '../core/store.ts';
import type { Topups } from '../core/topups.ts';
import type { Feed } from '../feed/feed.ts';

/** Whoever asks. */
export interface Asker {
  /** What they may see. */
  readonly access: Access;
  /** On whose account lookups go where there is no ticket. */
  readonly caller: string;
}

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

const checks = new Map<string, object>();

/**
 * What makes a context share what was found out of its rights with all that have the same scopes: by itself Pothos
 * keeps five tables for each context, and with them the context, until all memory is gone through.
 */
export function sharedChecks(access: Access): object {
  const scopes = SCOPES.filter((scope) => access.has(scope)).join(' ');
  const known = checks.get(scopes) ?? {};
  checks.set(scopes, known);
  return { [contextCacheSymbol]: known };
}
