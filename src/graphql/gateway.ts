import type { GatewayStatus as Status } from '../core/gateway-status.ts';
import type { Census } from '../core/store.ts';
import type { UpstreamStatus as Upstream } from '../core/upstream-status.ts';
import { builder } from './builder.ts';
import { TopupStatus } from './topup-status.ts';

const UpstreamState = builder.enumType('UpstreamState', {
  description: 'How OneClickDz answers the calls of this gateway.',
  values: {
    PROVING: {
      description:
        'Not known yet: after a start or a pause. One call at a time is made, until one succeeds.',
    },
    SERVING: { description: 'Calls succeed.' },
    FAILING: { description: 'Calls fail. They pause, then one tries again.' },
    THROTTLED: { description: 'OneClickDz asked for fewer calls (429). All calls pause.' },
    REFUSED: {
      description:
        'OneClickDz refuses the API key or the address of this gateway (401, 403). All calls pause for 15 minutes, since the fifth bad try locks the address out.',
    },
  } as const,
});

const UpstreamStatus = builder
  .objectRef<Upstream & { readonly simulated: boolean }>('UpstreamStatus')
  .implement({
    description: 'How the calls to OneClickDz go, and how many the API key allows.',
    fields: (t) => ({
      state: t.expose('state', { type: UpstreamState, description: 'How OneClickDz answers.' }),
      resumesAt: t.expose('resumesAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When calls resume; `null` while they are not paused.',
      }),
      simulated: t.exposeBoolean('simulated', {
        description: 'Whether the built-in simulator stands in for OneClickDz.',
      }),
      limitPerMinute: t.exposeInt('limitPerMinute', {
        description: 'Calls a minute that the configuration allows.',
      }),
      callsPerMinute: t.exposeFloat('callsPerMinute', {
        description:
          'Calls a minute that the gateway allows itself at present: fewer than `limitPerMinute` after OneClickDz answered 429, and step by step more again; fewer too if orders may be sent with the same key.',
      }),
      usedInLastMinute: t.exposeInt('usedInLastMinute', {
        description: 'Calls made within the last 60 seconds.',
      }),
      budgetLeft: t.exposeInt('budgetLeft', {
        description: 'Calls that could be made right now. None of them starts before `resumesAt`.',
      }),
      usesLists: t.exposeBoolean('usesLists', {
        description:
          'Whether one call for a list refreshes many orders. Off for a while after a list that failed or left orders out.',
      }),
    }),
  });

const TrackedOrders = builder
  .objectRef<{ readonly status: keyof Census['tracked']; readonly count: number }>('TrackedOrders')
  .implement({
    description: 'How many orders of one status the gateway checks.',
    fields: (t) => ({
      status: t.expose('status', {
        type: TopupStatus,
        description: 'The status: any that is not final.',
      }),
      count: t.exposeInt('count', { description: 'How many orders have this status.' }),
    }),
  });

const GatewayStatus = builder.objectRef<Status>('GatewayStatus').implement({
  description: 'How this gateway is doing. For operators.',
  fields: (t) => ({
    upstream: t.field({
      type: UpstreamStatus,
      description: 'OneClickDz, and what is left of the budget of calls.',
      resolve: ({ upstream, simulated }) => ({ ...upstream, simulated }),
    }),
    tracked: t.field({
      type: [TrackedOrders],
      description: 'Orders that the gateway checks, by status.',
      resolve: ({ census }) =>
        (['HANDLING', 'QUEUED', 'UNKNOWN'] as const).map((status) => ({
          status,
          count: census.tracked[status],
        })),
    }),
    overdue: t.int({
      description: 'Tracked orders that have been in progress for over 5 minutes.',
      resolve: ({ census }) => census.overdue,
    }),
    abandoned: t.int({
      description:
        'Orders that were not final after seven days, and are no longer checked until somebody asks for them.',
      resolve: ({ census }) => census.abandoned,
    }),
    scheduleDelay: t.float({
      description:
        'For how many seconds the most overdue check has been due; 0 if none is. It grows while there are more orders than calls.',
      resolve: ({ scheduleDelayMs }) => scheduleDelayMs / 1_000,
    }),
    subscriptions: t.exposeInt('subscriptions', {
      description: 'Open subscriptions of all clients.',
    }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      description: 'When this gateway started.',
    }),
    logId: t.exposeID('logId', {
      description:
        'The identity of the snapshot log. A cursor of another log is not known here: a subscription then starts with the latest state.',
    }),
  }),
});

builder.queryField('gateway', (t) =>
  t.field({
    type: GatewayStatus,
    authScopes: { operator: true },
    description:
      'How this gateway is doing. For operators: where tickets are asked for, it needs the scope `operator`.',
    resolve: (_root, _args, { status, basis }) => {
      basis.never();
      return status.gatewayStatus();
    },
  }),
);
