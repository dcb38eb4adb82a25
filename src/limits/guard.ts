import type { IncomingMessage } from 'node:http';
import type { Clock } from '../core/ports.ts';
import { addressOf } from './address.ts';
import { Connections } from './connections.ts';
import type { Limits, OnRefused } from './limits.ts';
import { LookupAllowances } from './lookup-allowances.ts';
import { Stalls } from './stalls.ts';
import { TrustedDocuments } from './trusted-documents.ts';

/** All that stands between a client and the gateway; one for each gateway. */
export interface Guard {
  readonly limits: Limits;
  readonly onRefused: OnRefused;
  /** Sockets and event streams. */
  readonly connections: Connections;
  readonly stalls: Stalls;
  readonly lookups: LookupAllowances;
  readonly documents: TrustedDocuments | undefined;
  /** Where a request comes from. */
  addressOf(request: IncomingMessage): string;
}

export interface GuardOptions {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly onRefused: OnRefused;
}

/** @throws StartupError where the file of trusted documents cannot be used. */
export async function createGuard({ limits, clock, onRefused }: GuardOptions): Promise<Guard> {
  const { trustedDocuments: path } = limits;
  return {
    limits,
    onRefused,
    connections: new Connections({
      most: limits.connections,
      mostPerAddress: limits.connectionsPerAddress,
    }),
    stalls: new Stalls({ clock, timeoutMs: limits.slowClientTimeoutMs }),
    lookups: new LookupAllowances({
      clock,
      perMinute: limits.uncachedLookupsPerMinute,
      onRefused,
    }),
    documents: path === undefined ? undefined : await TrustedDocuments.read(path),
    addressOf: (request) => addressOf(request, limits.trustedProxies),
  };
}
