import { isAbandoned, isParked, planner, woken } from '../core/cadence.ts';
import { loggedError } from '../core/logged-error.ts';
import { unixTimeOf } from '../core/ports.ts';
import type { Order } from '../core/store.ts';
import type { MayAsk, Topups, Watch } from '../core/topups.ts';
import type { UpstreamState, UpstreamStatus } from '../core/upstream-status.ts';
import type { TopupView } from '../core/view.ts';
import { assemble, type PollerOptions, type PollerParts } from './assembly.ts';
import type { GateState } from './gate.ts';

/**
 * Polls the upstream on behalf of all clients. It never publishes: it appends what it sees to the log, and the log
 * rings its bells.
 */
export class Poller implements Topups, Watch {
  readonly #options: PollerOptions;
  readonly #parts: PollerParts;

  private constructor(options: PollerOptions, parts: PollerParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** Opens a poller that makes no call before `start`; lookups wait until then. Rejects if the store fails. */
  static async open(options: PollerOptions): Promise<Poller> {
    return new Poller(options, await assemble(options));
  }

  /** Continues at once where the previous process stopped, without a burst of calls. */
  start(): void {
    const { gateKeeper, dispatcher } = this.#parts;
    gateKeeper.start();
    dispatcher.start();
  }

  /** Starts no more calls, and resolves once those in flight are recorded or given up. */
  async stop(): Promise<void> {
    const { dispatcher, calls, gateKeeper } = this.#parts;
    this.#options.keyTrial?.giveUp();
    gateKeeper.close();
    await dispatcher.stop();
    await calls.stop();
    await gateKeeper.stop();
  }

  lookup(orderId: string, maxAgeMs?: number, mayAsk?: MayAsk): Promise<TopupView | null> {
    return this.#parts.lookups.lookup(orderId, maxAgeMs, mayAsk);
  }

  watch(orderId: string, onMissing: () => void): () => void {
    const end = this.#parts.watchers.add(orderId, onMissing);
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
    return !this.#parts.storeFaults.isFailing;
  }

  /** When calls resume, Unix milliseconds; `null` while they are not suspended. */
  get resumesAt(): number | null {
    const { state } = this.#parts.gateKeeper;
    return 'until' in state ? unixTimeOf(state.until, this.#options.clock) : null;
  }

  status(): UpstreamStatus {
    const { gateKeeper, budget, trust } = this.#parts;
    return {
      state: STATE_NAMES[gateKeeper.state.name],
      resumesAt: this.resumesAt,
      limitPerMinute: budget.limitPerMinute,
      callsPerMinute: budget.callsPerMinute,
      usedInLastMinute: budget.usedInLastMinute,
      budgetLeft: budget.left,
      usesLists: trust.isTrusted,
    };
  }

  /** Adapts the schedule of an order that is now watched: wakes an abandoned order, checks a parked one sooner. */
  async #bringForward(orderId: string): Promise<void> {
    const { store, clock } = this.#options;
    const { watchers, dispatcher } = this.#parts;
    const order = await store.find(orderId);
    if (order === undefined) {
      watchers.expect(orderId);
    } else if (isAbandoned(order)) {
      await store.reschedule(orderId, woken(order, clock.now()));
    } else {
      const dueAt = watchedDueAt(order, clock.now());
      if (dueAt === null || order.dueAt === null || dueAt >= order.dueAt) return;
      await store.reschedule(orderId, { dueAt, failures: order.failures });
    }
    dispatcher.wake();
  }
}

/**
 * When a watched order is to be checked. One whose check has failed is tried again soon anyway, unless it is parked.
 */
function watchedDueAt(order: Order, now: number): number | null {
  if (order.failures === 0) return planner(true)(order);
  return isParked(order) ? planner(true)({ ...order, checkedAt: now }) : null;
}

const STATE_NAMES: Record<GateState['name'], UpstreamState> = {
  proving: 'PROVING',
  serving: 'SERVING',
  failing: 'FAILING',
  throttled: 'THROTTLED',
  refused: 'REFUSED',
};
