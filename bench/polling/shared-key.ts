/** What polling costs those who send orders with the same key: how many sends are answered with 429. */
import type { Fetch } from '../../src/core/ports.ts';
import { meanSeconds, percentileSeconds } from './measure.ts';
import { type GatewayRun, type Run, runGateway, type Sender } from './run-gateway.ts';
import type { ListRegime } from './upstream.ts';

export const SHARED_KEY_HEADER = [
  '| In progress | List | Calls are left for sends | Orders | Refused when sent | 429s for the gateway | Mean lag, s | 95 % lag, s |',
  '|---:|---|---|---:|---:|---:|---:|---:|',
];

const IN_PROGRESS = [5, 10, 20];
const REGIMES: readonly ListRegime[] = ['with cards', 'without cards'];

/** How long a backend waits before it sends a refused order again. */
const AGAIN_MS = 5_000;

/** For each number of orders in progress and each kind of list: a row without and one with calls left for sends. */
export async function* sharedKeyRows(newRun: (inProgress: number) => Run): AsyncGenerator<string> {
  for (const inProgress of IN_PROGRESS) {
    for (const list of REGIMES) {
      for (const mayShareKey of [false, true]) {
        const refusals: Refusals = { orders: 0, all: 0 };
        const run = { ...newRun(inProgress), mayShareKey, send: sendWithKey(refusals) };
        const result = await runGateway(run, list);
        yield row([inProgress, list, mayShareKey ? 'yes' : 'no'], refusals, result);
      }
    }
  }
}

interface Refusals {
  /** Orders that were refused when they were first sent. */
  orders: number;
  all: number;
}

/** Sends each order with a call of the gateway's key, and a refused one again until it is accepted. */
function sendWithKey(refusals: Refusals): Sender {
  return async ({ plan }, { clock, simulator, fetch }, onSent) => {
    for (let tries = 0; await isRefused(fetch, simulator.apiKey); tries += 1) {
      refusals.orders += tries === 0 ? 1 : 0;
      refusals.all += 1;
      await new Promise<void>((resolve) => clock.after(AGAIN_MS, resolve));
    }
    onSent(simulator.addOrder({ plan }));
  };
}

/** Makes one call that asks for nothing: all calls count alike, and the bench decides how an order goes. */
async function isRefused(fetch: Fetch, apiKey: string): Promise<boolean> {
  const headers = { 'x-access-token': apiKey };
  const { status } = await fetch('http://simulator.invalid/v3/validate', { headers });
  return status === 429;
}

function row(
  cells: readonly (string | number)[],
  refusals: Refusals,
  { orders, throttled, lagsMs }: GatewayRun,
): string {
  const all = [
    ...cells,
    orders.toLocaleString('en'),
    refusals.orders,
    throttled - refusals.all,
    meanSeconds(lagsMs).toFixed(2),
    percentileSeconds(lagsMs, 0.95).toFixed(2),
  ];
  return `| ${all.join(' | ')} |`;
}
