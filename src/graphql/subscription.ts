import { GatewayError } from '../errors.ts';
import { topupNotFound } from '../feed/following.ts';
import { builder } from './builder.ts';
import { toCursor, toOrderId } from './input.ts';
import { ticketExpired } from './rights.ts';
import { Topup } from './topup.ts';

builder.subscriptionField('topupStatus', (t) =>
  t.field({
    type: Topup,
    authScopes: { status: true },
    description:
      'A top-up, live. The first event is the latest state, at once if the gateway knows the order; then comes every later one, in order, none twice and none left out. Completes after the final one. While OneClickDz fails, it stays open. If OneClickDz knows no such order, it ends after 15 seconds with `TOPUP_NOT_FOUND`. A change of `isStale`, `isOverdue`, `checkedAt` or `nextCheckAt` alone is no event.',
    args: {
      id: t.arg.id({ required: true, description: 'The id that OneClickDz gave the order.' }),
      after: t.arg.string({
        description:
          'The `cursor` of the last event that you have seen: goes on after it. Without it, or with one of a database that is gone, it starts over with the latest state.',
      }),
    },
    subscribe: (_root, { id, after }, { feed, access }) => {
      const orderId = toOrderId(id);
      const cursor = toCursor(after);
      // Without rights, the order is reported as unknown: a cursor is no permission, a ticket is no means to guess ids.
      if (!access.names(orderId)) {
        return feed.follow(orderId, cursor, { refusal: topupNotFound() });
      }
      const { expiresAt } = access;
      if (expiresAt === null) return feed.follow(orderId, cursor);
      // An expired ticket never sees another event, not even one that was on its way.
      const expiry = { at: expiresAt, error: ticketExpired };
      return feed.follow(orderId, cursor, { expiry });
    },
    resolve: (event) => {
      // An error that ends the stream travels as its last event: the same over every transport.
      if (event instanceof GatewayError) throw event;
      return event;
    },
  }),
);
