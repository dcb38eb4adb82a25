import type { Clock, Fetch } from '../../src/core/ports.ts';
import type { Store } from '../../src/core/store.ts';
import { Poller } from '../../src/poller/poller.ts';
import { createRandom } from '../../src/simulator/random.ts';
import {
  createSimulator,
  type Simulator,
  type SimulatorOptions,
} from '../../src/simulator/simulator.ts';
import { createUpstreamClient } from '../../src/upstream/client.ts';
import { ManualClock } from './manual-clock.ts';
import { createMemoryStore } from './memory-store.ts';
import { recordingLogger } from './recording-logger.ts';
import { noTelemetry } from './silent.ts';

export interface PolledSimulator {
  readonly clock: ManualClock;
  readonly simulator: Simulator;
  /** Answers lists with the state of `listLagMs` ago; the same as `simulator` without that option. */
  readonly lister: Simulator;
  readonly store: Store;
  readonly poller: Poller;
  readonly logger: ReturnType<typeof recordingLogger>;
  /** When each call to the upstream started. */
  readonly calls: readonly number[];
}

const LATENCY_MS = 150;

/** Starts a poller over a simulator with the latency of a real upstream, on a clock that a test advances. */
export async function pollSimulator(
  options: SimulatorOptions & {
    readonly listLagMs?: number;
    readonly mayShareKey?: boolean;
  } = {},
): Promise<PolledSimulator> {
  const clock = new ManualClock();
  const callsPerMinute = options.callsPerMinute ?? 120;
  const simulator = createSimulator({ ...options, clock, callsPerMinute });
  const { listLagMs } = options;
  const now = () => clock.now() - (listLagMs ?? 0);
  const past: Clock = { now, steady: now, after: clock.after.bind(clock) };
  const lister = listLagMs === undefined ? simulator : createSimulator({ ...options, clock: past });
  const store = createMemoryStore();
  const logger = recordingLogger();
  const calls: number[] = [];
  const fetch: Fetch = async (input, init) => {
    calls.push(clock.now());
    await new Promise<void>((resolve) => clock.after(LATENCY_MS, resolve));
    const isList = String(input).includes('/list');
    return (isList ? lister : simulator).fetch(input, init);
  };
  const common = { clock, logger, telemetry: noTelemetry };
  const baseUrl = 'http://simulator.invalid';
  const { apiKey } = simulator;
  const client = createUpstreamClient({ ...common, baseUrl, apiKey, fetch, timeoutMs: 15_000 });
  const random = createRandom(1);
  const { mayShareKey = false } = options;
  const poller = await Poller.open({
    ...common,
    store,
    client,
    apiKey,
    callsPerMinute,
    mayShareKey,
    random,
  });
  poller.start();
  return { clock, simulator, lister, store, poller, logger, calls };
}
