import { encodeCursor } from '../core/cursor.ts';
import { isSettled, type Snapshot, statusOf } from '../core/topup.ts';
import { GatewayError } from '../errors.ts';
import { builder } from './builder.ts';
import { TopupStatus } from './topup-status.ts';

/**
 * What a top-up and each snapshot of its history have in common. Without `id`: client caches take `id` for an identity,
 * and would merge a whole history into one entry.
 */
export const TopupState = builder
  .interfaceRef<{ readonly snapshot: Snapshot }>('TopupState')
  .implement({
    description:
      'What OneClickDz said of a top-up at one moment. Details that it left out are `null`.',
    fields: (t) => ({
      ref: t.string({
        nullable: true,
        description: "The merchant's own reference of the order.",
        resolve: ({ snapshot }) => snapshot.ref,
      }),
      type: t.string({
        nullable: true,
        description: 'The kind of line: `ADSL`, `4G`, `4GLTE`, or what OneClickDz may add.',
        resolve: ({ snapshot }) => snapshot.type,
      }),
      number: t.string({
        nullable: true,
        description: 'The line that is topped up.',
        resolve: ({ snapshot }) => snapshot.number,
      }),
      amount: t.float({
        nullable: true,
        description: 'In Algerian dinar.',
        resolve: ({ snapshot }) => snapshot.amount,
      }),
      status: t.field({
        type: TopupStatus,
        description: 'Where the order stands.',
        resolve: ({ snapshot }) => statusOf(snapshot.upstreamStatus),
      }),
      upstreamStatus: t.string({
        description:
          "OneClickDz's own word for the status; a word that this gateway knows is in capital letters.",
        resolve: ({ snapshot }) => snapshot.upstreamStatus,
      }),
      isFinal: t.boolean({
        description: 'Whether this is the end: `FULFILLED` or `REFUNDED`. Nothing follows.',
        resolve: ({ snapshot }) => isSettled(snapshot.upstreamStatus),
      }),
      cardCode: t.string({
        nullable: true,
        authScopes: { card: true },
        description:
          'The code of the card, once fulfilled. **Worth money to whoever reads it**: show it to the customer who paid, and nobody else. Where tickets are asked for, it needs the scope `card`.',
        resolve: ({ snapshot }) => {
          if (snapshot.isCardUnreadable) throw unreadableCard();
          return snapshot.cardCode;
        },
      }),
      transactionNumber: t.string({
        nullable: true,
        description: 'The transaction number of Algérie Télécom, once fulfilled.',
        resolve: ({ snapshot }) => snapshot.transactionNumber,
      }),
      processedAt: t.field({
        type: 'DateTime',
        nullable: true,
        description: 'When Algérie Télécom processed the order.',
        resolve: ({ snapshot }) => snapshot.processedAt,
      }),
      refundMessage: t.string({
        nullable: true,
        description: 'Why the money went back, often in Arabic.',
        resolve: ({ snapshot }) => snapshot.refundMessage,
      }),
      createdAt: t.field({
        type: 'DateTime',
        nullable: true,
        description: 'When OneClickDz took the order; to the second if only its id tells.',
        resolve: ({ snapshot }) => snapshot.createdAt,
      }),
      version: t.int({
        description:
          'Counts the states of this order from 1, without gaps. The operator may have old ones removed; the numbers of the others stay.',
        resolve: ({ snapshot }) => snapshot.version,
      }),
      cursor: t.string({
        description:
          'This place in the history of the order. Keep it, and give it to `topupStatus(after:)` to go on from here after a dropped connection.',
        resolve: ({ snapshot }, _args, { log }) =>
          encodeCursor({ logId: log.logId, version: snapshot.version }),
      }),
      observedAt: t.field({
        type: 'DateTime',
        description: 'When the gateway first saw this version.',
        resolve: ({ snapshot }) => snapshot.observedAt,
      }),
    }),
  });

/** The error for a card code in the log that none of the gateway's keys opens. */
function unreadableCard(): GatewayError {
  return new GatewayError(
    'INTERNAL_SERVER_ERROR',
    'The card code cannot be read: the key that it was encrypted with is not among those of the gateway (CARD_CODE_KEYS).',
    { isForClients: true },
  );
}
