import { isAbandoned, planner, woken } from '../core/cadence.ts';
import { loggedError } from '../core/logged-error.ts';
import { type Clock, type Logger, type Random, unixTimeOf } from '../core/ports.ts';
import type { Store } from '../core/store.ts';
import type { Telemetry } from '../core/telemetry.ts';
import { isSettled } from '../core/topup.ts';
import type { MayAsk, Topups, Watch } from '../core/topups.ts';
import type { UpstreamState, UpstreamStatus } from '../core/upstream-status.ts';
import type { TopupView } from '../core/view.ts';
import { GatewayError } from '../errors.ts';
import type { UpstreamClient } from '../upstream/client.ts';
import { CallBudget } from './budget.ts';
import { Checker } from './checker.ts';
import { Choice } from './choice.ts';
import { ClockSetBacks } from './clock-set-backs.ts';
import { Dispatcher } from './dispatcher.ts';
import { type GateState, UpstreamGate } from './gate.ts';
import { Hold } from './hold.ts';
import { InFlight } from './in-flight.ts';
import type { KeyTrial } from './key-trial.ts';
import { ListTrust } from './list-trust.ts';
import { Lookups } from './lookups.ts';
import { MissingCards } from './missing-cards.ts';
import { Pacer } from './pace.ts';
import { Requests } from './requests.ts';
import { Spare } from './spare.ts';
import { StoreFaults } from './store-faults.ts';
import { SweepPlanner } from './sweep-planner.ts';
import { Sweeps } from './sweeps.ts';
import { Watchers } from './watchers.ts';

export interface PollerOptions {
  readonly store: Store;
  readonly client: UpstreamClient;
  readonly apiKey: string;
  readonly callsPerMinute: number;
  /** `undefined` if the key needs no trial. */
  readonly keyTrial?: KeyTrial | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
}

/**
 * Polls the upstream on behalf of all clients. It never publishes: it appends what it sees to the log, and the log
 * rings its bells.
 */
export class Poller implements Topups, Watch {
  readonly #options: PollerOptions;
  readonly #watchers: Watchers;
  readonly #pacer: Pacer;
  readonly #budget: CallBudget;
  readonly #gate: UpstreamGate;
  readonly #hold: Hold;
  readonly #trust: ListTrust;
  readonly #storeFaults: StoreFaults;
  readonly #dispatcher: Dispatcher;
  readonly #lookups: Lookups;

  private constructor(
    options: PollerOptions,
    earlier: { readonly hold: Hold; readonly gate: UpstreamGate; readonly budget: CallBudget },
  ) {
    const { hold, gate, budget } = earlier;
    const { store, clock } = options;
    this.#options = options;
    this.#watchers = new Watchers(options);
    this.#pacer = new Pacer({ ...options, watchers: this.#watchers });
    this.#budget = budget;
    this.#gate = gate;
    this.#hold = hold;
    this.#trust = new ListTrust(options);
    this.#storeFaults = new StoreFaults(options);
    const requests = new Requests({ clock, inVain: (waiting) => this.#inVain(waiting) });
    const missingCards = new MissingCards(options);
    const inFlight = new InFlight();
    const parts = {
      ...options,
      schedule: store,
      notebook: store,
      watchers: this.#watchers,
      pacer: this.#pacer,
      budget,
      storeFaults: this.#storeFaults,
      spare: new Spare({ budget, clock }),
      gate,
      trust: this.#trust,
      requests,
      missingCards,
      inFlight,
      isBusy: (orderId: string) => inFlight.has(orderId) || missingCards.has(orderId),
      mostBusy: () => inFlight.orders + missingCards.size,
    };
    const checker = new Checker({
      ...parts,
      onRecorded: (recorded) => this.#trust.verify(recorded),
    });
    const planner = new SweepPlanner(parts);
    this.#dispatcher = new Dispatcher({
      ...parts,
      checker,
      choice: new Choice({ ...parts, planner }),
      clockSetBacks: new ClockSetBacks(parts),
      sweeps: new Sweeps({ ...parts, planner, onRecorded: (recorded) => checker.report(recorded) }),
      onGateChange: (state) => void this.#keep(state),
    });
    this.#lookups = new Lookups({ store, dispatcher: this.#dispatcher, clock });
  }

  /** Opens a poller that makes no call before `start`; lookups wait until then. Rejects if the store fails. */
  static async open(options: PollerOptions): Promise<Poller> {
    const hold = new Hold(options);
    const gate = new UpstreamGate(await hold.recall());
    const poller = new Poller(options, { hold, gate, budget: await CallBudget.recall(options) });
    await poller.#pacer.recall();
    return poller;
  }

  /** Continues at once where the previous process stopped, without a burst of calls. */
  start(): void {
    this.#dispatcher.start();
  }

  /** Starts no more calls, and resolves once those in flight are recorded or given up. */
  async stop(): Promise<void> {
    await this.#dispatcher.stop();
    // Noted anew, since the system's clock may have been set during a wait.
    await this.#keep(this.#gate.stateAt(this.#options.clock.steady()));
  }

  lookup(orderId: string, maxAgeMs?: number, mayAsk?: MayAsk): Promise<TopupView | null> {
    return this.#lookups.lookup(orderId, maxAgeMs, mayAsk);
  }

  watch(orderId: string, onMissing: () => void): () => void {
    const end = this.#watchers.add(orderId, onMissing);
    this.#bringForward(orderId).catch((error: unknown) => {
      // The order keeps its schedule; it is only not checked any sooner.
      this.#options.logger.error(
        { orderId, ...loggedError(error) },
        'could not bring an order forward',
      );
    });
    return end;
  }

  /** Whether answers can be written to the log, as far as the last one tells. */
  get canRecord(): boolean {
    return !this.#storeFaults.goOn;
  }

  status(): UpstreamStatus {
    const { clock } = this.#options;
    const state = this.#gate.stateAt(clock.steady());
    return {
      state: STATE_NAMES[state.name],
      resumesAt: 'until' in state ? unixTimeOf(state.until, clock) : null,
      limitPerMinute: this.#budget.limitPerMinute,
      callsPerMinute: this.#budget.callsPerMinute,
      usedInLastMinute: this.#budget.usedInLastMinute,
      budgetLeft: this.#budget.left,
      usesLists: this.#trust.isTrusted,
    };
  }

  /** Adapts the schedule of an order that is now watched: wakes an abandoned order, checks a parked one sooner. */
  async #bringForward(orderId: string): Promise<void> {
    const { store, clock } = this.#options;
    const order = await store.find(orderId);
    if (order === undefined) {
      this.#watchers.expect(orderId);
    } else if (isAbandoned(order)) {
      await store.reschedule(orderId, woken(order, clock.now()));
    } else if (!isSettled(order.latest.upstreamStatus) && order.failures === 0) {
      const watchedAt = planner(true)(order);
      if (watchedAt === null || order.dueAt === null || watchedAt >= order.dueAt) return;
      await store.reschedule(orderId, { dueAt: watchedAt, failures: 0 });
    }
    this.#dispatcher.wake();
  }

  /** The error for a query that was not answered within the time that queries wait. */
  #inVain(waiting: number): GatewayError {
    const retryAfterMs = this.#budget.waitMs(waiting + 1);
    return this.#gate.stateAt(this.#options.clock.steady()).name === 'serving'
      ? new GatewayError(
          'UPSTREAM_THROTTLED',
          'The calls that the API key allows are spent for the moment.',
          { retryAfterMs },
        )
      : new GatewayError('UPSTREAM_UNAVAILABLE', 'OneClickDz is slow to answer just now.', {
          retryAfterMs,
        });
  }

  async #keep(state: GateState): Promise<void> {
    await this.#hold.keep(state).catch((error: unknown) => {
      this.#options.logger.error(
        loggedError(error),
        'could not note that the upstream told us to wait',
      );
    });
  }
}

const STATE_NAMES: Record<GateState['name'], UpstreamState> = {
  proving: 'PROVING',
  serving: 'SERVING',
  failing: 'FAILING',
  throttled: 'THROTTLED',
  refused: 'REFUSED',
};
