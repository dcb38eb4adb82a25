import type { Clock, Timer } from '../core/ports.ts';
import type { ClockSetBacks } from './clock-set-backs.ts';
import type { NextCall } from './next-call.ts';
import type { StoreFaults } from './store-faults.ts';

/** While orders are tracked, the clock is looked at this often: it may be set, or the machine be suspended. */
const LONGEST_SLEEP_MS = 60_000;
/** While the next call is further away than this, no answer will be written soon: also while the upstream fails. */
const IDLE_MS = 20_000;

interface DispatcherOptions {
  readonly nextCall: NextCall;
  readonly clockSetBacks: ClockSetBacks;
  readonly storeFaults: StoreFaults;
  /**
   * Writes something to a store that has failed, unless a call is in flight, whose answer will tell. Reports the
   * outcome to `storeFaults`. Never rejects.
   */
  readonly tryStore: () => Promise<void>;
  readonly clock: Clock;
}

/**
 * The poller's loop: starts calls while any may start, and then sleeps until the next one may, or until it is woken.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  #timer: Timer | undefined;
  #pumping: Promise<void> | undefined;
  #pumpAgain = false;
  #state: 'new' | 'running' | 'stopped' = 'new';

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  start(): void {
    this.#state = 'running';
    this.wake();
  }

  /** Resolves once no more calls start. The gate must be closed before: a loop under way goes on while it may. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#timer?.cancel();
    await this.#pumping;
  }

  /** Looks for the next call again, since it may be allowed or wanted sooner than before. */
  wake(): void {
    if (this.#state !== 'running') return;
    this.#pumpAgain = true;
    this.#pumping ??= this.#pump();
  }

  /** Wakes after this time, and not when it was going to until now. */
  sleep(ms: number): void {
    if (this.#state !== 'running') return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(Math.min(ms, LONGEST_SLEEP_MS), () => this.wake());
  }

  async #pump(): Promise<void> {
    while (this.#pumpAgain && this.#state === 'running') {
      this.#pumpAgain = false;
      try {
        await this.#startAll();
      } catch (error) {
        this.#options.storeFaults.met(error);
      }
    }
    // No `await` between the last test of `#pumpAgain` and this line: a wake in between would be lost.
    this.#pumping = undefined;
  }

  async #startAll(): Promise<void> {
    const { nextCall, clockSetBacks, storeFaults, tryStore } = this.#options;
    if (clockSetBacks.noticed()) await clockSetBacks.mend();
    while (await nextCall.start());
    const waitMs = (await nextCall.waitMs()) ?? Number.POSITIVE_INFINITY;
    // A gateway that is not ready is sent no queries either.
    const isIdle = waitMs > IDLE_MS;
    if (storeFaults.isFailing && storeFaults.pauseMs === 0 && isIdle) await tryStore();
    const sleepMs = Math.min(waitMs, storeFaults.pauseMs || Number.POSITIVE_INFINITY);
    if (sleepMs < Number.POSITIVE_INFINITY) this.sleep(sleepMs);
  }
}
