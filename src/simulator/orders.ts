import type { Clock, Random } from '../core/ports.ts';
import { drawPlan, type LifeName, type Plan } from './life.ts';
import { drawDigits, drawHex } from './random.ts';

export interface NewOrder {
  readonly plan: Plan | LifeName;
  /** By default made up as the upstream does. */
  readonly ref?: string | undefined;
  /** ADSL by default. */
  readonly type?: string | undefined;
  readonly number?: string | undefined;
  /** Algerian dinar. 1,000 by default. */
  readonly amount?: number | undefined;
  /** By default drawn at random: 24 hex digits that begin with the creation time. */
  readonly id?: string | undefined;
  /** Unix milliseconds; now by default. For a life that starts when first asked for, it only affects a drawn id. */
  readonly createdAt?: number | undefined;
}

export interface Order {
  readonly id: string;
  readonly ref: string;
  readonly type: string;
  readonly number: string;
  readonly amount: number;
  readonly plan: Plan;
  readonly cardCode: string;
  /** The last digits of the transaction number. */
  readonly transaction: string;
}

/** An order that has begun: its steps count from `createdAt`. */
export interface BegunOrder extends Order {
  readonly createdAt: number;
}

export interface OrderBook {
  /** @throws RangeError if the id or the reference is already taken. */
  add(order: NewOrder): Order;
  hasRef(ref: string): boolean;
  idOfRef(ref: string): string | undefined;
  /** Returns an order, `undefined` if there is none. Begins an order that starts when first asked for. */
  ask(id: string): BegunOrder | undefined;
  /** The begun orders created between these bounds, both inclusive, newest first. */
  createdWithin(range: { readonly from: number; readonly to: number }): readonly BegunOrder[];
}

const EXAMPLE_NUMBERS = new Map([
  ['ADSL', '036362608'],
  ['4G', '213472731602'],
]);

/** The account's phone number, which the upstream puts into the references that it makes up. */
export const ACCOUNT = '+213550000000';

export function createOrderBook(clock: Clock, random: Random): OrderBook {
  const waiting = new Map<string, Order>();
  const begun = new Map<string, BegunOrder>();
  const byCreation: BegunOrder[] = [];
  const idsByRef = new Map<string, string>();

  /** The index in `byCreation` of the first order that was created after `at`. */
  function firstAfter(at: number): number {
    // From the end: most orders and lists are of the last few minutes.
    return byCreation.findLastIndex(({ createdAt }) => createdAt <= at) + 1;
  }

  function begin(order: BegunOrder): void {
    begun.set(order.id, order);
    // Of two orders created in the same millisecond, the one added later counts as the newer.
    byCreation.splice(firstAfter(order.createdAt), 0, order);
  }

  return {
    add(newOrder) {
      const createdAt = newOrder.createdAt ?? clock.now();
      const order = draw(newOrder, createdAt, random);
      if (waiting.has(order.id) || begun.has(order.id)) throw taken('id', order.id);
      if (idsByRef.has(order.ref)) throw taken('reference', order.ref);
      idsByRef.set(order.ref, order.id);
      if (order.plan.startsWhenFirstAsked === true) waiting.set(order.id, order);
      else begin({ ...order, createdAt });
      return order;
    },
    hasRef: (ref) => idsByRef.has(ref),
    idOfRef: (ref) => idsByRef.get(ref),
    ask(id) {
      const order = waiting.get(id);
      if (order === undefined) return begun.get(id);
      const started = { ...order, createdAt: clock.now() };
      waiting.delete(id);
      begin(started);
      return started;
    },
    createdWithin: ({ from, to }) =>
      byCreation.slice(firstAfter(from - 1), firstAfter(to)).reverse(),
  };
}

function draw(order: NewOrder, createdAt: number, random: Random): Order {
  const drawnId =
    Math.floor(createdAt / 1_000)
      .toString(16)
      .padStart(8, '0') + drawHex(random, 16);
  const id = order.id ?? drawnId;
  const type = order.type ?? 'ADSL';
  return {
    id,
    ref: order.ref ?? `API-${ACCOUNT}-${id}`,
    type,
    number: order.number ?? EXAMPLE_NUMBERS.get(type) ?? '036362608',
    amount: order.amount ?? 1_000,
    plan: typeof order.plan === 'string' ? drawPlan(order.plan, random) : order.plan,
    cardCode: drawDigits(random, 12),
    transaction: drawDigits(random, 5),
  };
}

function taken(what: string, value: string): RangeError {
  return new RangeError(`an order with the ${what} ${value} exists already`);
}
