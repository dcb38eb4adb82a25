import { freshUntil } from '../core/cadence.ts';
import { GatewayError } from '../errors.ts';
import { builder } from './builder.ts';
import type { GraphQLContext } from './context.ts';
import { toMaxAgeMs, toOrderId } from './input.ts';
import { Topup } from './topup.ts';

const MOST_IDS = 100;

/** The cost of a lookup besides that of its fields: it may cause a call to OneClickDz. */
const LOOKUP_COST = 10;

/** The answer for an unknown order never holds: the order may exist the next moment. */
const NEVER_AGAIN = Number.NEGATIVE_INFINITY;

const MAX_AGE_DESCRIPTION =
  'How old the answer may be, in seconds, while an order is in progress. Default 5, or 300 while it is `QUEUED`. 0 has OneClickDz asked now, within the budget of the key. A final state is always served from the log.';

builder.queryField('topup', (t) =>
  t.field({
    type: Topup,
    authScopes: { status: true },
    nullable: true,
    description:
      'The state of one top-up. From the first query on, the gateway keeps it fresh by itself until it is final. `null` where OneClickDz knows no such order.',
    args: {
      id: t.arg.id({ required: true, description: 'The id that OneClickDz gave the order.' }),
      maxAge: t.arg.int({ description: MAX_AGE_DESCRIPTION }),
    },
    complexity: LOOKUP_COST,
    resolve: (_root, { id, maxAge }, context) => lookup(id, maxAge, context),
  }),
);

builder.queryField('topups', (t) =>
  t.field({
    type: [Topup],
    authScopes: { status: true },
    nullable: { list: false, items: true },
    description:
      'The states of many top-ups, in the order of `ids`. An order that fails is `null`, with an error at its place; the others stay.',
    args: {
      ids: t.arg.idList({ required: true, description: 'At most 100 ids of OneClickDz.' }),
      maxAge: t.arg.int({ description: MAX_AGE_DESCRIPTION }),
    },
    complexity: ({ ids }) => ({ field: ids.length * LOOKUP_COST, multiplier: ids.length }),
    resolve: (_root, { ids, maxAge }, context) => {
      if (ids.length > MOST_IDS) {
        throw new GatewayError(
          'BAD_USER_INPUT',
          `\`ids\` must hold at most ${MOST_IDS} ids, but holds ${ids.length}.`,
        );
      }
      return ids.map((id) => lookup(id, maxAge, context));
    },
  }),
);

async function lookup(id: string, maxAge: number | null | undefined, context: GraphQLContext) {
  const orderId = toOrderId(id);
  const maxAgeMs = toMaxAgeMs(maxAge);
  context.basis.order(orderId);
  // Without rights, the order is reported as unknown and is not looked up, so that a ticket is no means to guess ids.
  const view = context.access.names(orderId)
    ? await context.topups.lookup(orderId, maxAgeMs)
    : null;
  context.basis.until(
    view === null
      ? NEVER_AGAIN
      : freshUntil({ latest: view.snapshot, checkedAt: view.checkedAt }, maxAgeMs),
  );
  return view;
}
