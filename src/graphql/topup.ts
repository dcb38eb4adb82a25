import type { TopupView } from '../core/view.ts';
import { builder } from './builder.ts';
import { TopupState } from './topup-state.ts';

export const Topup = builder.objectRef<TopupView>('Topup').implement({
  description: 'An internet top-up, as OneClickDz last described it, and how fresh that is.',
  interfaces: [TopupState],
  fields: (t) => ({
    id: t.id({
      description: 'The id that OneClickDz gave the order when it was sent.',
      resolve: ({ snapshot }) => snapshot.orderId,
    }),
    checkedAt: t.field({
      type: 'DateTime',
      description:
        'When OneClickDz last confirmed this state; for a version that a later one has replaced, when it was first seen.',
      resolve: ({ checkedAt }, _args, { basis }) => {
        basis.check();
        return checkedAt;
      },
    }),
    nextCheckAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When the gateway means to ask again, by itself. `null` once final, and for an order that it has given up after seven days without an end (asking for the order starts again).',
      resolve: ({ nextCheckAt }, _args, { basis, status }) => {
        basis.check();
        if (nextCheckAt === null) return null;
        // After this moment the answer changes by itself: while an order is due, `nextCheckAt` is the current time.
        basis.until(nextCheckAt);
        return Math.max(nextCheckAt, status.callsResumeAt() ?? 0);
      },
    }),
    isStale: t.boolean({
      description:
        'Whether a check is overdue: OneClickDz fails, or the calls that the key allows are spent.',
      resolve: ({ isStale, turns }, _args, { basis }) => {
        basis.check();
        if (!isStale) basis.until(turns.stale);
        return isStale;
      },
    }),
    isOverdue: t.boolean({
      description: 'Whether the order is in progress for over 5 minutes, far beyond the usual.',
      resolve: ({ isOverdue, turns }, _args, { basis }) => {
        if (!isOverdue) basis.until(turns.overdue);
        return isOverdue;
      },
    }),
  }),
});
