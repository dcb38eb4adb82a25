import type { Clock } from '../core/ports.ts';
import type { Operation } from './routes.ts';

export interface Call {
  /** `undefined` for a call that matches no route. */
  readonly operation: Operation | undefined;
  /** The order that the call asked for, whether it exists or not; `undefined` for a call about no or many orders. */
  readonly orderId: string | undefined;
}

export interface RecordedCall extends Call {
  /** Unix milliseconds. */
  readonly startedAt: number;
}

/** The calls made to the simulator, refused ones included. */
export interface Calls {
  readonly total: number;
  readonly inFlight: number;
  byOperation(): Readonly<Partial<Record<Operation | 'unrouted', number>>>;
  /** Counts by HTTP status; `none` counts calls that were aborted or reset. */
  byOutcome(): Readonly<Record<string, number>>;
  /** The latest calls, oldest first; at most 10,000. */
  recent(): readonly RecordedCall[];
  /** How many calls asked for this order. */
  countFor(orderId: string): number;
  /** The largest number of calls for this order that were ever in flight at once. */
  mostAtOnceFor(orderId: string): number;
}

interface CallRecorder extends Calls {
  /** Returns a function to call once the response has begun, or without a status once the call has failed. */
  begin(call: Call): (httpStatus: number | undefined) => void;
}

const RECENT = 10_000;

/** How many orders have a count of their own. Beyond that, the order that was asked for first is forgotten. */
const COUNTED_ORDERS = 100_000;

interface OrderCount {
  total: number;
  inFlight: number;
  mostAtOnce: number;
}

export function createCallRecorder(clock: Clock): CallRecorder {
  const recent: RecordedCall[] = [];
  const operations = new Map<Operation | 'unrouted', number>();
  const outcomes = new Map<string, number>();
  const orders = new Map<string, OrderCount>();
  let total = 0;
  let inFlight = 0;

  return {
    get total() {
      return total;
    },
    get inFlight() {
      return inFlight;
    },
    byOperation: () => Object.fromEntries(operations),
    byOutcome: () => Object.fromEntries(outcomes),
    recent: () => recent.slice(-RECENT),
    countFor: (orderId) => orders.get(orderId)?.total ?? 0,
    mostAtOnceFor: (orderId) => orders.get(orderId)?.mostAtOnce ?? 0,
    begin(call) {
      total += 1;
      inFlight += 1;
      increment(operations, call.operation ?? 'unrouted');
      recent.push({ ...call, startedAt: clock.now() });
      // Trimmed only now and then: to shift the array at each call would take time linear in its length.
      if (recent.length >= 2 * RECENT) recent.splice(0, RECENT);
      const order = call.orderId === undefined ? undefined : beginOrder(orders, call.orderId);
      return (httpStatus) => {
        inFlight -= 1;
        if (order !== undefined) order.inFlight -= 1;
        increment(outcomes, httpStatus === undefined ? 'none' : String(httpStatus));
      };
    },
  };
}

function beginOrder(orders: Map<string, OrderCount>, orderId: string): OrderCount {
  const count = orders.get(orderId) ?? { total: 0, inFlight: 0, mostAtOnce: 0 };
  count.total += 1;
  count.inFlight += 1;
  count.mostAtOnce = Math.max(count.mostAtOnce, count.inFlight);
  orders.set(orderId, count);
  const [oldest] = orders.keys();
  if (orders.size > COUNTED_ORDERS && oldest !== undefined) orders.delete(oldest);
  return count;
}

function increment<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
