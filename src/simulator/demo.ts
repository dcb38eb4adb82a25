import {
  fulfilledAfter,
  fulfilledAtOnce,
  type Plan,
  queuedThenFulfilled,
  refundedAfter,
  unnamedThenFulfilled,
  whenFirstAsked,
} from './life.ts';
import type { Simulator } from './simulator.ts';

export interface DemoOrder {
  readonly id: string;
  /** What happens to the order, for a person to read. */
  readonly story: string;
}

/**
 * The ids are fixed, so that an id copied yesterday works today. The creation time in them is that of the vendor's own
 * example, not that of the order, which is created when it is first asked for.
 */
const ORDERS: readonly (DemoOrder & { readonly plan: Plan; readonly type: string })[] = [
  {
    id: '6901616fe9e88196b4eb64b1',
    story: 'fulfilled after 30 s',
    plan: fulfilledAfter(30_000),
    type: 'ADSL',
  },
  {
    id: '6901616fe9e88196b4eb64b2',
    story: 'fulfilled at once',
    plan: fulfilledAtOnce(),
    type: 'ADSL',
  },
  {
    id: '6901616fe9e88196b4eb64b3',
    story: 'refunded after 20 s',
    plan: refundedAfter(20_000),
    type: '4G',
  },
  {
    id: '6901616fe9e88196b4eb64b4',
    story: 'queued for 2 minutes, fulfilled 10 s later',
    plan: queuedThenFulfilled(10_000),
    type: 'ADSL',
  },
  {
    id: '6901616fe9e88196b4eb64b5',
    story: 'in a status that no document names, fulfilled after 30 s',
    plan: unnamedThenFulfilled(30_000),
    type: '4G',
  },
];

const UNKNOWN_ORDER: DemoOrder = { id: '6901616fe9e88196b4eb64b6', story: 'unknown order' };

/** Adds one order per kind of life; it begins when first asked for. Returns those orders, and an id of no order. */
export function addDemoOrders(simulator: Pick<Simulator, 'addOrder'>): readonly DemoOrder[] {
  const demo = ORDERS.map(({ id, story, plan, type }, index) => {
    simulator.addOrder({ id, type, plan: whenFirstAsked(plan), ref: `demo-order-${index + 1}` });
    return { id, story };
  });
  return [...demo, UNKNOWN_ORDER];
}
