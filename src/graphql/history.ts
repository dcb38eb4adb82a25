import { decodeCursor, encodeCursor } from '../core/cursor.ts';
import type { Range } from '../core/store.ts';
import type { Snapshot } from '../core/topup.ts';
import { GatewayError } from '../errors.ts';
import { builder } from './builder.ts';
import type { GraphQLContext } from './context.ts';
import { Topup } from './topup.ts';
import { TopupState } from './topup-state.ts';

const PAGE_SIZE = 20;
const LARGEST_PAGE = 100;

const TopupSnapshot = builder
  .objectRef<{ readonly snapshot: Snapshot }>('TopupSnapshot')
  .implement({
    description: 'One entry in the history of a top-up: its state from `observedAt` on.',
    interfaces: [TopupState],
  });

type PageArgs = PothosSchemaTypes.DefaultConnectionArguments;

builder.objectField(Topup, 'history', (t) =>
  t.connection(
    {
      type: TopupSnapshot,
      description:
        'Every state that the gateway has seen this order in, oldest first, at most 100 a page (20 without `first` or `last`).',
      complexity: ({ first, last }) => ({ field: 1, multiplier: first ?? last ?? PAGE_SIZE }),
      resolve: (view, args, context) => page(view.snapshot, args, context),
    },
    {
      name: 'TopupHistoryConnection',
      description: 'A page of the history of a top-up, oldest first.',
    },
    {
      name: 'TopupHistoryEdge',
      description: 'An entry in the history of a top-up, and its cursor.',
    },
  ),
);

/**
 * Not `resolveCursorConnection` of Pothos: that one shortens a page of more than 100 without a word, and takes any
 * `after` for a sign that there is a page before it.
 */
async function page(of: Snapshot, args: PageArgs, { log }: GraphQLContext) {
  const range = toRange(args, log.logId);
  const snapshots = await log.read(of.orderId, { ...range, limit: range.limit + 1 });
  const more = snapshots.length > range.limit;
  const beyond = await anyBeyond(of, range, log);
  const isForward = range.from === 'oldest';
  const shown = isForward ? snapshots.slice(0, range.limit) : snapshots.slice(more ? 1 : 0);
  const edges = shown.map((snapshot) => ({
    cursor: encodeCursor({ logId: log.logId, version: snapshot.version }),
    node: { snapshot },
  }));
  return {
    edges,
    pageInfo: {
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
      hasNextPage: isForward ? more : beyond,
      hasPreviousPage: isForward ? beyond : more,
    },
  };
}

/** Whether there are snapshots on the other side of the cursor that the page starts from. */
async function anyBeyond(of: Snapshot, range: Range, log: GraphQLContext['log']): Promise<boolean> {
  const isForward = range.from === 'oldest';
  const start = isForward ? range.after : range.before;
  if (start === undefined) return false;
  const beyond = isForward ? { before: start + 1 } : { after: start - 1 };
  const some = await log.read(of.orderId, { ...beyond, limit: 1, from: 'newest' });
  return some.length > 0;
}

function toRange({ first, last, after, before }: PageArgs, logId: string): Range {
  if (first != null && last != null) {
    throw new GatewayError('BAD_USER_INPUT', 'Give `first` or `last`, not both.');
  }
  const limit = first ?? last ?? PAGE_SIZE;
  if (limit < 0 || limit > LARGEST_PAGE) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      `\`${last == null ? 'first' : 'last'}\` must be from 0 to ${LARGEST_PAGE}, but is ${limit}.`,
    );
  }
  return {
    after: toVersion('after', after, logId),
    before: toVersion('before', before, logId),
    limit,
    from: last == null ? 'oldest' : 'newest',
  };
}

function toVersion(
  name: 'after' | 'before',
  text: string | null | undefined,
  logId: string,
): number | undefined {
  if (text == null) return undefined;
  const cursor = decodeCursor(text);
  if (cursor === undefined || cursor.logId !== logId) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      `\`${name}\` must be a cursor that this gateway gave out; start without one.`,
    );
  }
  return cursor.version;
}
