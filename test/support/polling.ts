import type { Random } from '../../src/core/ports.ts';
import type { Store } from '../../src/core/store.ts';
import { createFeed, type Feed } from '../../src/feed/feed.ts';
import { KeyTrial } from '../../src/poller/key-trial.ts';
import { Poller } from '../../src/poller/poller.ts';
import { ManualClock } from './manual-clock.ts';
import { createMemoryStore } from './memory-store.ts';
import { recordingLogger } from './recording-logger.ts';
import { ScriptedClient } from './scripted-client.ts';
import { noTelemetry } from './silent.ts';

export interface Polling {
  readonly clock: ManualClock;
  readonly client: ScriptedClient;
  readonly store: Store;
  readonly poller: Poller;
  readonly feed: Feed;
  readonly logger: ReturnType<typeof recordingLogger>;
}

/** Starts a poller over a scripted upstream, with a memory store and a clock that a test advances. */
export async function startPolling(
  options: {
    readonly clock?: ManualClock;
    readonly store?: Store;
    readonly callsPerMinute?: number;
    readonly apiKey?: string;
    /** Whether the key is tried at the start. */
    readonly triesKey?: boolean;
    readonly isLimitAssumed?: boolean;
    readonly prepare?: (client: ScriptedClient) => void;
    readonly random?: Random;
  } = {},
): Promise<Polling> {
  const clock = options.clock ?? new ManualClock();
  const client = new ScriptedClient(clock);
  options.prepare?.(client);
  const store = options.store ?? createMemoryStore();
  const logger = recordingLogger();
  const { callsPerMinute = 120, triesKey = false, isLimitAssumed = false } = options;
  const assumedCallsPerMinute = isLimitAssumed ? callsPerMinute : undefined;
  const poller = await Poller.open({
    store,
    client,
    apiKey: options.apiKey ?? 'key',
    callsPerMinute,
    keyTrial: triesKey ? new KeyTrial({ client, logger, assumedCallsPerMinute }) : undefined,
    clock,
    random: options.random ?? (() => 0.5),
    logger,
    telemetry: noTelemetry,
  });
  const feed = createFeed({ log: store, watch: poller, clock, telemetry: noTelemetry });
  poller.start();
  return { clock, client, store, poller, feed, logger };
}
