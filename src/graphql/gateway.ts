import type { GatewayStatus as Status } from '../core/gateway-status.ts';
import type { Census } from '../core/store.ts';
import type { UpstreamStatus as Upstream } from '../core/upstream-status.ts';
import { builder } from './builder.ts';
import { TopupStatus } from './topup-status.ts';

const UpstreamState = builder.enumType('UpstreamState', {
  description: 'How OneClickDz, as a whole, is treating this gateway.',
  values: {
    PROVING: { description: 'One call at a time, until one is answered well. So it starts.' },
    SERVING: { description: 'It answers.' },
    FAILING: { description: 'It fails. Calls pause, then one tries it again.' },
    THROTTLED: { description: 'It asked for fewer calls (429). All calls pause.' },
    REFUSED: {
      description:
        'It refuses the API key or the address of this gateway (401, 403). All calls pause for 15 minutes, since the fifth bad try locks the address out.',
    },
  } as const,
});

const UpstreamStatus = builder
  .objectRef<Upstream & { readonly simulated: boolean }>('UpstreamStatus')
  .implement({
    description: 'OneClickDz, seen from here.',
    fields: (t) => ({
      state: t.expose('state', { type: UpstreamState, description: 'How it is treating us.' }),
      resumesAt: t.expose('resumesAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When calls go on; `null` while they do.',
      }),
      simulated: t.exposeBoolean('simulated', {
        description: 'Whether the built-in simulator stands in for OneClickDz.',
      }),
      limitPerMinute: t.exposeInt('limitPerMinute', {
        description: 'Calls a minute that the configuration allows.',
      }),
      callsPerMinute: t.exposeFloat('callsPerMinute', {
        description:
          'Calls a minute that the gateway allows itself at present: the limit, less what a 429 took and has not been won back.',
      }),
      usedInLastMinute: t.exposeInt('usedInLastMinute', {
        description: 'Calls made within the last 60 seconds.',
      }),
      budgetLeft: t.exposeInt('budgetLeft', {
        description:
          'Calls that the budget has left this moment. None of them starts before `resumesAt`.',
      }),
      usesLists: t.exposeBoolean('usesLists', {
        description:
          'Whether lists refresh many orders with one call. Not for a while after one that failed or left orders out.',
      }),
    }),
  });

const TrackedOrders = builder
  .objectRef<{ readonly status: keyof Census['tracked']; readonly count: number }>('TrackedOrders')
  .implement({
    description: 'How many orders of one status the gateway keeps fresh.',
    fields: (t) => ({
      status: t.expose('status', { type: TopupStatus, description: 'Their status.' }),
      count: t.exposeInt('count', { description: 'How many.' }),
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
      description: 'Orders that are asked about, by status.',
      resolve: ({ census }) =>
        (['HANDLING', 'QUEUED', 'UNKNOWN'] as const).map((status) => ({
          status,
          count: census.tracked[status],
        })),
    }),
    overdue: t.int({
      description: 'Tracked orders that are in progress for over 5 minutes.',
      resolve: ({ census }) => census.overdue,
    }),
    abandoned: t.int({
      description:
        'Orders given up after seven days without an end. Whoever asks for one wakes it.',
      resolve: ({ census }) => census.abandoned,
    }),
    scheduleDelay: t.float({
      description:
        'Seconds for which the order that is due longest has been due. Grows with more orders than calls.',
      resolve: ({ scheduleDelayMs }) => scheduleDelayMs / 1_000,
    }),
    subscriptions: t.exposeInt('subscriptions', { description: 'Open subscriptions.' }),
    startedAt: t.expose('startedAt', { type: 'DateTime', description: 'When it started.' }),
    logId: t.exposeID('logId', {
      description: 'The identity of its snapshot log. Cursors of another log start over.',
    }),
  }),
});

builder.queryField('gateway', (t) =>
  t.field({
    type: GatewayStatus,
    authScopes: { operator: true },
    description: 'How this gateway is doing. For operators.',
    resolve: (_root, _args, { status, basis }) => {
      basis.never();
      return status.gatewayStatus();
    },
  }),
);
