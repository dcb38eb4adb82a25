import type { Store } from '../../../src/core/store.ts';
import { isSettled } from '../../../src/core/topup.ts';
import { Poller } from '../../../src/poller/poller.ts';
import { createRandom } from '../../../src/simulator/random.ts';
import { openSqliteStore } from '../../../src/store/sqlite/open.ts';
import { createUpstreamClient } from '../../../src/upstream/client.ts';
import { ManualClock } from '../manual-clock.ts';
import { createMemoryStore } from '../memory-store.ts';
import { noTelemetry, silentLogger } from '../silent.ts';
import { calmAfter } from './calm.ts';
import { Lifetime } from './lifetime.ts';
import { plansOf, type Run, type SentOrder } from './record.ts';
import { HOSTILE_MS, planOfLife, type Scenario, type ScenarioOrder } from './scenario.ts';
import { HostileUpstream } from './upstream.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** Long enough for every order to settle, for the longest backoff, and for the longest interval between checks. */
const CALM_MS = 40 * MINUTE_MS;
/** A parked order is first checked again after 12 h, then every hour. */
const PARKED_CALM_MS = 14 * HOUR_MS;

/** Runs a scenario in virtual time, from the start of its hostile time to the end of the calm after it. */
export async function runScenario(scenario: Scenario): Promise<Run> {
  const clock = new ManualClock();
  const store = await openStore(scenario);
  const stage = new Stage(scenario, { clock, store });
  await stage.play();
  await store.close();
  return stage.run;
}

async function openStore({ store }: Scenario): Promise<Store> {
  return store === 'memory' ? createMemoryStore() : openSqliteStore({ url: 'file::memory:' });
}

interface Process {
  readonly number: number;
  readonly lifetime: Lifetime;
  /** `undefined` while the poller opens. */
  poller: Poller | undefined;
}

class Stage {
  readonly run: Run;
  readonly #scenario: Scenario;
  readonly #clock: ManualClock;
  readonly #store: Store;
  readonly #upstream: HostileUpstream;
  readonly #random;
  /** The ids of the orders sent so far, by their index in the scenario. */
  readonly #ids = new Map<number, string>();
  readonly #watching = new Map<string, WatchedOrder>();
  #process: Process | undefined;

  constructor(scenario: Scenario, world: { readonly clock: ManualClock; readonly store: Store }) {
    this.#scenario = scenario;
    this.#clock = world.clock;
    this.#store = world.store;
    this.#upstream = new HostileUpstream(scenario, world.clock);
    this.#random = createRandom(scenario.seed + 1);
    this.run = {
      scenario,
      startedAt: world.clock.now(),
      calls: this.#upstream.calls,
      plans: [],
      lookups: [],
      watches: [],
      processes: [],
      orders: [],
      calmAt: 0,
      calmCallsPerMinute: 0,
      endedAt: 0,
      log: new Map(),
      proofs: new Map(),
    };
  }

  async play(): Promise<void> {
    const { orders, lookups, restarts } = this.#scenario;
    this.#open();
    for (const [index, order] of orders.entries()) {
      if (!order.isLate) this.#clock.after(order.sentAtMs, () => this.#send(index, order));
    }
    for (const { atMs, order, maxAgeMs } of lookups) {
      this.#clock.after(atMs, () => this.#lookup(this.#idOf(order, atMs), maxAgeMs));
    }
    for (const { atMs, how, downMs } of restarts)
      this.#clock.after(atMs, () => this.#restart(how, downMs));
    await this.#untilCalm();
    for (const [index, order] of orders.entries()) {
      if (order.isLate) this.#clock.after(order.sentAtMs, () => this.#send(index, order));
    }
    await this.#clock.advance(CALM_MS);
    const { tracked } = await this.#store.census({ overdueBefore: 0 });
    if (tracked.QUEUED > 0) await this.#clock.advance(PARKED_CALM_MS);
    await this.#end();
  }

  /** Advances until no fault is left, and all waits that faults have caused are over. */
  async #untilCalm(): Promise<void> {
    const { startedAt, calls } = this.run;
    await this.#clock.advance(HOSTILE_MS + this.#scenario.timeoutMs + SECOND_MS);
    const calmAt = Math.max(this.#clock.now(), calmAfter(calls));
    // Restarts may still be in progress.
    const from = Math.max(calmAt, startedAt + HOSTILE_MS + 2 * MINUTE_MS);
    await this.#clock.advance(from - this.#clock.now());
    this.run.calmAt = this.#clock.now();
    this.run.calmCallsPerMinute = this.#process?.poller?.status().callsPerMinute ?? 0;
  }

  #open(): void {
    const number = this.run.processes.length + 1;
    const lifetime = new Lifetime();
    const clock = lifetime.clock(this.#clock);
    const process: Process = { number, lifetime, poller: undefined };
    this.#process = process;
    this.run.processes.push({
      startedAt: clock.now(),
      stoppedAt: undefined,
      endedAt: undefined,
      crashed: false,
    });
    const store = lifetime.store(this.#store, (call) => {
      this.run.plans.push(...plansOf(call, this.#clock.now()));
    });
    const { apiKey } = this.#upstream;
    const { callsPerMinute, timeoutMs } = this.#scenario;
    const common = { clock, logger: silentLogger, telemetry: noTelemetry, apiKey };
    const fetch = this.#upstream.networkOf(lifetime, number);
    const baseUrl = 'http://upstream.invalid';
    const client = createUpstreamClient({ ...common, baseUrl, fetch, timeoutMs });
    const random = this.#random;
    void Poller.open({ ...common, store, client, callsPerMinute, random }).then((poller) => {
      if (lifetime.isOver) return;
      process.poller = poller;
      poller.start();
      for (const watched of this.#watching.values()) watched.begin(poller);
    });
  }

  #restart(how: 'stop' | 'crash', downMs: number): void {
    const process = this.#process;
    // A restart is already in progress.
    if (process?.poller === undefined) return;
    this.#process = undefined;
    const isStop = how === 'stop';
    void this.#leave(process, isStop).then(() => this.#clock.after(downMs, () => this.#open()));
  }

  async #leave(process: Process, isStop: boolean): Promise<void> {
    const record = this.run.processes[process.number - 1];
    if (record === undefined || process.poller === undefined) return;
    record.stoppedAt = this.#clock.now();
    record.crashed = !isStop;
    if (isStop) await process.poller.stop();
    // Let the promises of waiting lookups settle before the process is gone.
    for (let turn = 0; isStop && turn < 100; turn += 1) await Promise.resolve();
    record.endedAt = this.#clock.now();
    process.lifetime.end();
  }

  #send(index: number, order: ScenarioOrder): void {
    const orderId = this.#upstream.send(order);
    const createdAt = this.#clock.now();
    const { endsAfterMs, status } = planOfLife(order.life);
    const sent: SentOrder = { orderId, createdAt, settlesAt: createdAt + endsAfterMs, status };
    this.run.orders.push(sent);
    this.#ids.set(index, orderId);
    if (order.found === 'watched') this.#watch(orderId, order.watchedForMs);
    else this.#lookup(orderId, undefined);
  }

  /** Watches as a subscriber does: until the order settles, the upstream does not know it, or `forMs` has passed. */
  #watch(orderId: string, forMs: number): void {
    const watch = { orderId, from: this.#clock.now(), until: undefined as number | undefined };
    this.run.watches.push(watch);
    let end: (() => void) | undefined;
    const leave = () => {
      if (watch.until !== undefined) return;
      watch.until = this.#clock.now();
      this.#watching.delete(orderId);
      silence();
      end?.();
    };
    const silence = this.#store.onAppend(orderId, () => {
      void this.#store.find(orderId).then((order) => {
        if (order !== undefined && isSettled(order.latest.upstreamStatus)) leave();
      });
    });
    const begin = (poller: Poller) => {
      end = poller.watch(orderId, leave);
    };
    this.#watching.set(orderId, { begin });
    if (this.#process?.poller !== undefined) begin(this.#process.poller);
    this.#clock.after(forMs, leave);
  }

  #idOf(order: number | null, atMs: number): string {
    const seconds = Math.floor(this.#clock.now() / SECOND_MS).toString(16);
    const unknown = atMs % 2 === 0 ? `${seconds}${'0'.repeat(16)}` : `junk-${atMs % 5}`;
    const sent = [...this.#ids.values()];
    return order === null ? unknown : (sent[order % Math.max(1, sent.length)] ?? unknown);
  }

  #lookup(orderId: string, maxAgeMs: number | undefined): void {
    const process = this.#process;
    // No process is running.
    if (process?.poller === undefined) return;
    const askedAt = this.#clock.now();
    const lookup: Run['lookups'][number] = {
      process: process.number,
      orderId,
      askedAt,
      end: undefined,
    };
    this.run.lookups.push(lookup);
    const end = (result: unknown) => {
      lookup.end = { at: this.#clock.now(), result };
    };
    process.poller.lookup(orderId, maxAgeMs).then(end, end);
  }

  async #end(): Promise<void> {
    this.run.endedAt = this.#clock.now();
    const process = this.#process;
    this.#process = undefined;
    if (process !== undefined) {
      await Promise.all([this.#leave(process, true), this.#clock.advance(10 * SECOND_MS)]);
    }
    for (const { orderId, settlesAt } of this.run.orders) {
      const snapshots = await this.#store.read(orderId, { limit: 10_000, from: 'oldest' });
      this.run.log.set(orderId, snapshots);
      if (settlesAt > this.run.endedAt) continue;
      this.run.proofs.set(orderId, await this.#upstream.proofOf(orderId));
    }
  }
}

interface WatchedOrder {
  readonly begin: (poller: Poller) => void;
}
