import { type Clock, type Fetch, systemClock } from '../core/ports.ts';
import { createAccess } from './access.ts';
import { type Answer, toResponse } from './answer.ts';
import { type Call, type Calls, createCallRecorder } from './calls.ts';
import { perform } from './fault-responses.ts';
import { createFaults, type Fault } from './faults.ts';
import { operate } from './operations.ts';
import { createOrderBook, type NewOrder, type OrderBook } from './orders.ts';
import { createRandom } from './random.ts';
import { createRateLimit } from './rate-limit.ts';
import { type Route, routeOf } from './routes.ts';

/** A public key, valid for a simulator only. */
export const SIMULATOR_API_KEY = '5a9db0c5-0000-4000-8000-000000000000';

export interface SimulatorOptions {
  /** The only key that is accepted. `SIMULATOR_API_KEY` by default. */
  readonly apiKey?: string;
  /** The system's clock by default. */
  readonly clock?: Clock;
  /** The same seed and the same times give the same ids, cards and lives. 1 by default. */
  readonly seed?: number;
  /** Calls in any 60 s, beyond which the answer is 429; `Infinity` for no limit. 120 by default. */
  readonly callsPerMinute?: number;
  /** Whether that 429 has a `Retry-After`. True by default. */
  readonly sendsRetryAfter?: boolean;
  /** The name of a list's rows. By default `topups`, as documented for internet top-ups. */
  readonly rowsName?: 'topups' | 'items';
  /** Whether the rows of a list have a `card_code`, which the upstream does not document. False by default. */
  readonly listCarriesCards?: boolean;
  /** The most rows on a page, however many are asked for: an API may cut pages without a word. 100 by default. */
  readonly longestPage?: number;
}

/** A stand-in for OneClickDz: it answers as the real one is known to, and fails on demand. */
export interface Simulator {
  readonly apiKey: string;
  /** Replaces the network: accepts any host, and honours the call's abort signal. */
  readonly fetch: Fetch;
  /** Returns the order's id. Throws a `RangeError` if the id or the reference is already taken. */
  addOrder(order: NewOrder): string;
  /** Makes calls fail from now on. Returns a function that removes this one fault. */
  fail(fault: Fault): () => void;
  /** Removes all faults. Calls that already hang do so until they are aborted. */
  heal(): void;
  readonly calls: Calls;
}

export function createSimulator(options: SimulatorOptions = {}): Simulator {
  const { apiKey = SIMULATOR_API_KEY, clock = systemClock } = options;
  const { callsPerMinute = 120, sendsRetryAfter = true } = options;
  const { rowsName = 'topups', listCarriesCards = false, longestPage = 100 } = options;
  const orders = createOrderBook(clock, createRandom(options.seed ?? 1));
  const access = createAccess(apiKey, clock);
  const rateLimit = createRateLimit({ callsPerMinute, sendsRetryAfter, clock });
  const faults = createFaults();
  const calls = createCallRecorder(clock);
  const lists = { rowsName, listCarriesCards, longestPage };
  const operations = { apiKey, callsPerMinute, clock, orders, ...lists };

  let answers = 0;

  function render(answer: Answer): Response {
    answers += 1;
    return toResponse(answer, { now: clock.now(), requestId: `req_${answers}` });
  }

  /** Refuses a call, or answers it, with a fault if one applies. */
  async function receive({ request, url, route, call, signal }: Received): Promise<Response> {
    if (route === undefined) {
      return render({ kind: 'routerMiss', method: request.method, path: url.pathname });
    }
    const refusal = access.refuse(request.headers.get('x-access-token')) ?? rateLimit.refuse();
    if (refusal !== undefined) return render(refusal);
    const input = { route, query: url.searchParams, body: await request.text() };
    const healthy = () => operate(operations, input);
    const fault = faults.take(call);
    if (fault === undefined) return render(healthy());
    return perform({ fault, clock, signal, healthy, render });
  }

  return {
    apiKey,
    calls,
    addOrder: (order) => orders.add(order).id,
    fail: (fault) => faults.add(fault),
    heal: () => faults.clear(),
    async fetch(input, init) {
      const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined);
      signal?.throwIfAborted();
      const request = new Request(input, { ...init, signal: null });
      const url = new URL(request.url);
      const route = routeOf(request.method, url.pathname);
      const call = callOf(route, orders);
      const end = calls.begin(call);
      try {
        const response = await receive({ request, url, route, call, signal });
        end(response.status);
        return response;
      } catch (error) {
        end(undefined);
        throw error;
      }
    },
  };
}

interface Received {
  readonly request: Request;
  readonly url: URL;
  readonly route: Route | undefined;
  readonly call: Call;
  readonly signal: AbortSignal | undefined;
}

function callOf(route: Route | undefined, orders: OrderBook): Call {
  const { operation, subject = '' } = route ?? {};
  if (operation === 'check-id') return { operation, orderId: subject.toLowerCase() };
  if (operation === 'check-ref') return { operation, orderId: orders.idOfRef(subject) };
  return { operation, orderId: undefined };
}
