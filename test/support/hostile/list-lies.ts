import { type Plan, stepAt } from '../../../src/simulator/life.ts';
import type { ListLie } from './scenario.ts';

type Row = Record<string, unknown>;

export interface LieContext {
  readonly lie: ListLie;
  /** How far stale rows lag behind. */
  readonly lagMs: number;
  readonly now: number;
  /** The true life of an order; `undefined` if there is no such order. */
  readonly lifeOf: (
    orderId: string,
  ) => { readonly plan: Plan; readonly createdAt: number } | undefined;
}

/** Falsifies a list response; any other response stays unchanged. */
export async function distort(response: Response, context: LieContext): Promise<Response> {
  const body = (await response.json()) as { data?: Record<string, Row[]> };
  const name = ['topups', 'items'].find((each) => Array.isArray(body.data?.[each]));
  if (body.data === undefined || name === undefined) return Response.json(body, response);
  const rows = body.data[name] ?? [];
  if (context.lie === 'another shape') return answer({ ...body, data: rows });
  return answer({ ...body, data: { ...body.data, [name]: LIES[context.lie](rows, context) } });
}

function answer(body: unknown): Response {
  return Response.json(body);
}

const LIES: Readonly<
  Record<Exclude<ListLie, 'another shape'>, (rows: Row[], context: LieContext) => Row[]>
> = {
  'missing rows': (rows) => rows.filter((_, index) => index % 3 !== 0),
  'stale rows': (rows, context) => rows.flatMap((row) => stale(row, context)),
  'no cards': (rows) => rows.map(({ card_code: _, refund_message: __, ...row }) => row),
  'other ids': (rows) => rows.map((row, index) => ({ ...row, _id: strangerId(index) })),
  empty: () => [],
  'full of others': (_, { now }) =>
    Array.from({ length: 100 }, (__, index) => stranger(index, now)),
};

/** A row as it was `lagMs` ago; no row if the order did not exist then. */
function stale(row: Row, { lagMs, now, lifeOf }: LieContext): Row[] {
  const life = lifeOf(String(row['_id']));
  if (life === undefined) return [row];
  const ageMs = now - lagMs - life.createdAt;
  if (ageMs < 0) return [];
  const { status } = stepAt(life.plan, ageMs);
  if (status === row['status']) return [row];
  const { card_code: _, num_trans: __, date_traitement: ___, refund_message: ____, ...rest } = row;
  return [{ ...rest, status }];
}

function stranger(index: number, now: number): Row {
  const created_at = new Date(now - index).toISOString();
  return { _id: strangerId(index), status: 'HANDLING', type: 'ADSL', created_at };
}

function strangerId(index: number): string {
  return index.toString(16).padStart(24, 'e');
}
