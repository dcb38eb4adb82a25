import { GatewayError } from '../errors.ts';
import { builder } from './builder.ts';
import { toCursor, toOrderId } from './input.ts';
import { Topup } from './topup.ts';

builder.subscriptionField('topupStatus', (t) =>
  t.field({
    type: Topup,
    description:
      'A top-up, live. The first event comes at once, with the latest state; then every later one, in order, none twice and none left out. Completes after the final one. While OneClickDz fails, it stays open.',
    args: {
      id: t.arg.id({ required: true, description: 'The id that OneClickDz gave the order.' }),
      after: t.arg.string({
        description:
          'The `cursor` of the last event that you have seen: goes on after it. Without it, or with one of a database that is gone, it starts over with the latest state.',
      }),
    },
    subscribe: (_root, { id, after }, { feed }) => feed.follow(toOrderId(id), toCursor(after)),
    resolve: (event) => {
      // An error that ends the stream travels as its last event: the same over every transport.
      if (event instanceof GatewayError) throw event;
      return event;
    },
  }),
);
