import * as z from 'zod';
import { faultSchema } from './faults.ts';
import { LIFE_NAMES, scripted } from './life.ts';
import type { Simulator } from './simulator.ts';

/** The path prefix of the standalone simulator's controls; the real upstream has nothing there. */
export const CONTROL_PREFIX = '/simulator/';

const lifeSchema = z.union(
  [
    z.enum(LIFE_NAMES),
    z.array(
      z.strictObject({
        afterMs: z.number().nonnegative(),
        status: z.string().min(1),
        refundMessage: z.string().optional(),
      }),
    ),
  ],
  `one of ${LIFE_NAMES.join(', ')}, or a list of {afterMs, status}`,
);

const orderSchema = z.strictObject({
  /** The name of a life, or its steps. */
  life: lifeSchema,
  id: z.string().min(1).optional(),
  ref: z.string().min(1).optional(),
  type: z.string().optional(),
  number: z.string().optional(),
  amount: z.number().optional(),
  createdAt: z.number().optional(),
});

/**
 * - `POST /simulator/orders` `{life, id?, ref?, type?, number?, amount?, createdAt?}`: adds an order
 * - `POST /simulator/faults` `{fault, times?, orderId?, operation?, …}`: makes calls fail
 * - `DELETE /simulator/faults`: ends all faults
 * - `GET /simulator/calls`, with `?orderId=` for one order: counts the calls so far
 */
export async function control(simulator: Simulator, request: Request): Promise<Response> {
  const url = new URL(request.url);
  switch (`${request.method} ${url.pathname}`) {
    case 'POST /simulator/orders':
      return addOrder(simulator, await readJson(request));
    case 'POST /simulator/faults':
      return addFault(simulator, await readJson(request));
    case 'DELETE /simulator/faults':
      simulator.heal();
      return new Response(null, { status: 204 });
    case 'GET /simulator/calls':
      return Response.json(callsOf(simulator, url.searchParams.get('orderId')));
    default:
      return Response.json({ error: 'no such control' }, { status: 404 });
  }
}

function addOrder(simulator: Simulator, body: unknown): Response {
  const parsed = orderSchema.safeParse(body);
  if (!parsed.success) return refuse(z.prettifyError(parsed.error));
  const { life, ...order } = parsed.data;
  try {
    const plan = typeof life === 'string' ? life : scripted(life);
    return Response.json({ id: simulator.addOrder({ ...order, plan }) }, { status: 201 });
  } catch (error) {
    if (error instanceof RangeError) return refuse(error.message);
    throw error;
  }
}

function addFault(simulator: Simulator, body: unknown): Response {
  const parsed = faultSchema.safeParse(body);
  if (!parsed.success) return refuse(z.prettifyError(parsed.error));
  simulator.fail(parsed.data);
  return Response.json(parsed.data, { status: 201 });
}

function callsOf({ calls }: Simulator, orderId: string | null): unknown {
  if (orderId !== null) {
    return { total: calls.countFor(orderId), mostAtOnce: calls.mostAtOnceFor(orderId) };
  }
  return {
    total: calls.total,
    inFlight: calls.inFlight,
    byOperation: calls.byOperation(),
    byOutcome: calls.byOutcome(),
  };
}

async function readJson(request: Request): Promise<unknown> {
  try {
    return await request.json();
  } catch {
    return undefined;
  }
}

function refuse(error: string): Response {
  return Response.json({ error }, { status: 400 });
}
