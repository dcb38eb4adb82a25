import { builder } from './builder.ts';

export const TopupStatus = builder.enumType('TopupStatus', {
  description: 'Where a top-up stands.',
  values: {
    HANDLING: {
      description: 'In progress. Most orders leave this state within 3 to 45 seconds.',
    },
    QUEUED: {
      description:
        'Scheduled for later, usually 12 to 48 hours. Neither a failure nor an end: it becomes `FULFILLED` or `REFUNDED` by itself.',
    },
    FULFILLED: { description: 'Done. The card code can be handed to the customer. Final.' },
    REFUNDED: { description: 'It failed, and the money went back to the merchant. Final.' },
    UNKNOWN: {
      description:
        'OneClickDz uses a word that this gateway does not know: see `upstreamStatus`. Treated as in progress.',
    },
  } as const,
});
