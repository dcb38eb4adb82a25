import { stepAt } from './life.ts';
import type { BegunOrder } from './orders.ts';

/** A top-up as it is sent, with the upstream's own field names. */
export type WireTopup = Readonly<Record<string, unknown>>;

/** An answer before it is put into the upstream's envelope. */
export type Answer =
  | { readonly kind: 'topup'; readonly topup: WireTopup }
  | {
      readonly kind: 'list';
      /** The name of the rows: `topups`, as documented for internet top-ups, or `items`, as in the mobile list. */
      readonly rowsName: 'topups' | 'items';
      readonly topups: readonly WireTopup[];
      readonly pagination: Pagination;
    }
  | { readonly kind: 'success'; readonly data: unknown }
  | Refusal
  | { readonly kind: 'routerMiss'; readonly method: string; readonly path: string };

/** A failure in the upstream's own envelope. */
export interface Refusal {
  readonly kind: 'refusal';
  readonly httpStatus: number;
  readonly code: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds?: number | undefined;
}

interface Pagination {
  readonly page: number;
  readonly pageSize: number;
  readonly totalPages: number;
  readonly totalResults: number;
}

export function toWire(order: BegunOrder, now: number): WireTopup {
  const step = stepAt(order.plan, now - order.createdAt);
  return {
    _id: order.id,
    ref: order.ref,
    status: step.status,
    type: order.type,
    number: order.number,
    topup_amount: order.amount,
    created_at: new Date(order.createdAt).toISOString(),
    ...(step.status === 'FULFILLED' ? proof(order, order.createdAt + step.afterMs) : {}),
    ...(step.refundMessage === undefined ? {} : { refund_message: step.refundMessage }),
  };
}

function proof(order: BegunOrder, processedAt: number): WireTopup {
  const date = new Date(processedAt);
  return {
    card_code: order.cardCode,
    num_trans: `AT-${date.getUTCFullYear()}-${order.transaction}`,
    date_traitement: date.toISOString(),
  };
}

interface Stamp {
  readonly now: number;
  readonly requestId: string;
}

export function toResponse(answer: Answer, { now, requestId }: Stamp): Response {
  if (answer.kind === 'routerMiss') {
    const message = `Route ${answer.method}:${answer.path} not found`;
    return Response.json({ message, error: 'Not Found', statusCode: 404 }, { status: 404 });
  }
  if (answer.kind === 'refusal') {
    const { httpStatus, code, message, details, retryAfterSeconds } = answer;
    const headers = new Headers();
    if (retryAfterSeconds !== undefined) headers.set('retry-after', String(retryAfterSeconds));
    const error = { code, message, details };
    return Response.json({ success: false, error, requestId }, { status: httpStatus, headers });
  }
  const meta = { timestamp: new Date(now).toISOString() };
  return Response.json({ success: true, data: dataOf(answer), meta, requestId });
}

function dataOf(answer: Extract<Answer, { kind: 'topup' | 'list' | 'success' }>): unknown {
  switch (answer.kind) {
    case 'topup':
      return answer.topup;
    case 'list':
      return { [answer.rowsName]: answer.topups, pagination: answer.pagination };
    case 'success':
      return answer.data;
  }
}
