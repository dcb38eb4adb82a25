import type { Fetch } from '../../src/core/ports.ts';
import type { Store } from '../../src/core/store.ts';
import { isSettled } from '../../src/core/topup.ts';
import { SETTLING_NOTE } from '../../src/poller/pace.ts';
import { Poller } from '../../src/poller/poller.ts';
import { createRandom } from '../../src/simulator/random.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { createUpstreamClient } from '../../src/upstream/client.ts';
import { noTelemetry, silentLogger } from '../../test/support/silent.ts';
import { type Measured, measured } from './measure.ts';
import { CALLS_PER_MINUTE, distantSimulator, type ListRegime, type Pace } from './upstream.ts';
import type { VirtualClock } from './virtual-clock.ts';
import type { Arrival } from './workload.ts';

export interface Run {
  readonly clock: VirtualClock;
  readonly orders: readonly Arrival[];
  readonly seed: number;
  /** What an earlier run has `learned`; without it, the gateway starts with what OneClickDz states. */
  readonly learned?: string | undefined;
  /** When the run ends, Unix milliseconds. */
  readonly until: number;
  /** Whether the gateway leaves calls to others who send orders with its key. Not by default. */
  readonly mayShareKey?: boolean;
  /** By default, sending an order takes no call of the gateway's key. */
  readonly send?: Sender | undefined;
  /** By default, an answer takes 0.2 s. */
  readonly pace?: Pace | undefined;
}

/** What a sender of orders has. */
export interface Scene {
  readonly clock: VirtualClock;
  readonly simulator: Simulator;
  readonly fetch: Fetch;
}

/** Sends an order now, and calls `onSent` with its id once it is accepted. */
export type Sender = (order: Arrival, scene: Scene, onSent: (id: string) => void) => void;

export interface GatewayRun extends Measured {
  /** The gateway's note of how long orders take, which its next process goes on with. */
  readonly learned: string | undefined;
}

/** The parts that an audience needs. */
export interface Gateway {
  readonly poller: Poller;
  readonly store: Store;
  readonly clock: VirtualClock;
}

/** Follows an order from its creation on. */
export type Audience = (gateway: Gateway, orderId: string) => void;

/** How long calls in flight may take to be answered after the end of the run. */
const STOP_MS = 30_000;

/** Runs the real poller over the simulator. By default each order is watched from its creation until it settles. */
export async function runGateway(
  run: Run,
  list: ListRegime,
  audience: Audience = watchToTheEnd,
): Promise<GatewayRun> {
  const { clock, orders, seed, learned, mayShareKey = false, send, pace } = run;
  const { simulator, fetch } = distantSimulator({ clock, seed, list, pace });
  const store = await openSqliteStore({ url: 'file::memory:' });
  if (learned !== undefined) await store.note(SETTLING_NOTE, learned);
  const settledAt = new Map<string, number>();
  const common = { clock, logger: silentLogger, telemetry: noTelemetry };
  const { apiKey } = simulator;
  const client = createUpstreamClient({
    ...common,
    baseUrl: 'http://simulator.invalid',
    apiKey,
    timeoutMs: 15_000,
    fetch,
  });
  const poller = await Poller.open({
    ...common,
    store,
    client,
    apiKey,
    callsPerMinute: CALLS_PER_MINUTE,
    mayShareKey,
    random: createRandom(seed),
  });
  poller.start();
  const ids = sendAsTheyCome({ orders, send }, { clock, simulator, fetch }, (id) => {
    onSettled(store, id, () => settledAt.set(id, clock.now()));
    audience({ poller, store, clock }, id);
  });
  await clock.runUntil(run.until);
  await Promise.all([poller.stop(), clock.runUntil(run.until + STOP_MS)]);
  const result = measured(orders, (order) => settledAt.get(ids.get(order) ?? ''), simulator);
  const noted = await store.recall(SETTLING_NOTE);
  await store.close();
  return { ...result, learned: noted };
}

/** Sends each order at its time. The returned map fills with their ids as they are sent. */
export function sendAsTheyCome(
  { orders, send = addOrder }: Pick<Run, 'orders' | 'send'>,
  scene: Scene,
  onSent: (id: string) => void,
): ReadonlyMap<Arrival, string> {
  const ids = new Map<Arrival, string>();
  for (const order of orders) {
    scene.clock.after(order.at - scene.clock.now(), () => {
      send(order, scene, (id) => {
        ids.set(order, id);
        onSent(id);
      });
    });
  }
  return ids;
}

function addOrder({ plan }: Arrival, { simulator }: Scene, onSent: (id: string) => void): void {
  onSent(simulator.addOrder({ plan }));
}

function watchToTheEnd({ poller, store }: Gateway, id: string): void {
  const end = poller.watch(id, () => undefined);
  onSettled(store, id, end);
}

function onSettled(store: Store, id: string, note: () => void): void {
  store.onAppend(id, async () => {
    const order = await store.find(id);
    if (order !== undefined && isSettled(order.latest.upstreamStatus)) note();
  });
}
