import type { IncomingMessage } from 'node:http';
import type { Clock, Logger } from '../core/ports.ts';
import { addressOf } from './address.ts';
import { Connections } from './connections.ts';
import type { Limits, OnRefused } from './limits.ts';
import { LookupAllowances } from './lookup-allowances.ts';
import { proxyHint } from './proxy-hint.ts';
import { Stalls } from './stalls.ts';
import { Turns } from './turns.ts';

/** An event costs little as a rule, and a list may show the ends of a hundred orders at once. */
const MOST_EVENTS_IN_A_ROUND = 128;

/** Everything that protects a gateway from its clients. */
export interface Guard {
  readonly limits: Limits;
  readonly onRefused: OnRefused;
  /** Counts WebSockets and event streams. */
  readonly connections: Connections;
  readonly stalls: Stalls;
  /** Of queries and subscriptions, over every transport. */
  readonly turns: Turns;
  /** Of the events that subscribers are told. */
  readonly eventTurns: Turns;
  readonly lookups: LookupAllowances;
  /** The client's address; see `address.ts`. */
  addressOf(request: IncomingMessage): string;
}

interface GuardOptions {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onRefused: OnRefused;
}

export function createGuard({ limits, clock, logger, onRefused }: GuardOptions): Guard {
  const lookForProxy = proxyHint(limits, logger);
  return {
    limits,
    onRefused,
    connections: new Connections({
      most: limits.connections,
      mostPerAddress: limits.connectionsPerAddress,
    }),
    stalls: new Stalls({ clock, timeoutMs: limits.slowClientTimeoutMs }),
    turns: new Turns(clock),
    eventTurns: new Turns(clock, MOST_EVENTS_IN_A_ROUND),
    lookups: new LookupAllowances({
      clock,
      perMinute: limits.uncachedLookupsPerMinute,
      onRefused,
    }),
    addressOf(request) {
      lookForProxy(request);
      return addressOf(request, limits.trustedProxies);
    },
  };
}
