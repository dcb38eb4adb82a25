import { atMost } from '../core/at-most.ts';
import type { Clock, Logger, Timer } from '../core/ports.ts';
import type { Notebook } from '../core/store.ts';
import { GatewayError } from '../errors.ts';
import type { Answer } from '../upstream/answer.ts';
import type { CallBudget, StartedCall } from './budget.ts';
import type { Checked, Checker } from './checker.ts';
import type { Choice, Job } from './choice.ts';
import type { ClockSetBacks } from './clock-set-backs.ts';
import type { CallResult, GateState, UpstreamGate } from './gate.ts';
import { GateLog } from './gate-log.ts';
import type { InFlight } from './in-flight.ts';
import type { KeyTrial } from './key-trial.ts';
import type { MissingCards } from './missing-cards.ts';
import type { Requests } from './requests.ts';
import type { Spare } from './spare.ts';
import type { StoreFaults } from './store-faults.ts';
import type { Sweep } from './sweep-planner.ts';
import type { Sweeps } from './sweeps.ts';

/** How many calls the schedule leaves in the budget, so that a query that arrives is answered at once. */
const RESERVED_CALLS = 1;

/** While orders are tracked, the clock is looked at this often: it may be set, or the machine be suspended. */
const LONGEST_SLEEP_MS = 60_000;

const NEVER = Number.POSITIVE_INFINITY;

/** How long a shutdown waits for calls in flight. */
const STOP_MS = 2_000;

/** The `retryAfterMs` that clients get during a shutdown: about as long as a deploy takes. */
const RESTART_MS = 3_000;

export interface DispatcherOptions {
  readonly checker: Checker;
  readonly sweeps: Sweeps;
  readonly choice: Choice;
  readonly missingCards: MissingCards;
  /** `undefined` if the key needs no trial. */
  readonly keyTrial?: KeyTrial | undefined;
  readonly spare: Spare;
  readonly requests: Requests;
  readonly inFlight: InFlight;
  readonly clockSetBacks: ClockSetBacks;
  readonly budget: CallBudget;
  readonly notebook: Notebook;
  readonly storeFaults: StoreFaults;
  readonly gate: UpstreamGate;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called when the gate changes its state or the end of its wait, before waiting queries are told. */
  readonly onGateChange: (state: GateState) => void;
}

/**
 * Spends the budget. While queries wait, calls alternate between queries and the schedule, so neither can starve the
 * other. At any time, at most one call in flight is made for an order.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #gateLog: GateLog;
  #wasForRequest = false;
  #timer: Timer | undefined;
  #pumping: Promise<void> | undefined;
  #pumpAgain = false;
  #state: 'new' | 'running' | 'stopped' = 'new';

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#gateLog = new GateLog(options);
  }

  start(): void {
    const { gate, clock } = this.#options;
    this.#state = 'running';
    const now = clock.steady();
    // A wait that an earlier process was told.
    this.#gateLog.tell(gate.stateAt(now), now);
    this.wake();
  }

  /**
   * Starts no more calls, fails the waiting queries, and resolves once the answers of the calls in flight are recorded.
   * Gives up calls that take longer than `STOP_MS`; the next process repeats them.
   */
  async stop(): Promise<void> {
    const { keyTrial, requests, inFlight, clock } = this.#options;
    this.#state = 'stopped';
    this.#timer?.cancel();
    keyTrial?.giveUp();
    requests.failAll(shuttingDown());
    await this.#pumping;
    await atMost(STOP_MS, inFlight.settled(), clock);
    inFlight.giveUp(shuttingDown());
    // The budget counts each call from its answer on: the last answers came after the last write.
    await this.#keepBudget();
  }

  /**
   * One look at this order as soon as the budget allows, shared by all concurrent requests for it. Never rejects: a
   * failure, or too long a wait, is a `failed` result.
   */
  request(orderId: string): Promise<Checked> {
    const { requests, inFlight, gate, clock } = this.#options;
    const checking = inFlight.checkOf(orderId);
    if (checking !== undefined) return checking;
    const refusal = this.#state === 'stopped' ? shuttingDown() : gate.refusalAt(clock.steady());
    if (refusal !== undefined) return Promise.resolve({ kind: 'failed', error: refusal });
    const promise = requests.add(orderId);
    this.wake();
    return promise;
  }

  /** Whether `request` would lead to a call that no other query is waiting for. */
  wouldAsk(orderId: string): boolean {
    const { requests, inFlight, gate, clock } = this.#options;
    if (requests.has(orderId) || inFlight.checkOf(orderId) !== undefined) return false;
    return this.#state !== 'stopped' && gate.refusalAt(clock.steady()) === undefined;
  }

  /** Looks at the schedule again, since an order may be due sooner than before. */
  wake(): void {
    if (this.#state !== 'running') return;
    this.#pumpAgain = true;
    this.#pumping ??= this.#pump();
  }

  async #pump(): Promise<void> {
    while (this.#pumpAgain && this.#state === 'running') {
      this.#pumpAgain = false;
      try {
        const { clockSetBacks } = this.#options;
        if (clockSetBacks.noticed()) await clockSetBacks.mend();
        while (await this.#startNext());
        await this.#sleepUntilNext();
      } catch (error) {
        this.#onStoreFault(error);
      }
    }
    // No `await` between the last test of `#pumpAgain` and this line: a wake in between would be lost.
    this.#pumping = undefined;
  }

  #mayCall(): boolean {
    return this.#state === 'running' && this.#options.storeFaults.pauseMs === 0 && this.#hasPlace();
  }

  /** Whether one more call may be in flight. */
  #hasPlace(): boolean {
    const { gate, inFlight, storeFaults, clock } = this.#options;
    return gate.admits(clock.steady(), inFlight.size) && storeFaults.admits(inFlight.size);
  }

  /** Starts one call; `false` if there is nothing to ask, or no call may start. */
  async #startNext(): Promise<boolean> {
    const { budget, requests } = this.#options;
    if (!this.#mayCall() || budget.room < 1) return false;
    if (this.#startTrial()) return true;
    if (!this.#wasForRequest || requests.size === 0) {
      if (await this.#startRequested()) return true;
    }
    if (this.#startCard() || (await this.#startLook())) {
      this.#wasForRequest = false;
      return true;
    }
    return this.#startRequested();
  }

  /** Starts the trial of the key. It comes first, so that a bad key is tried by this one call. */
  #startTrial(): boolean {
    const { keyTrial, budget, inFlight } = this.#options;
    const call = keyTrial?.isDue ? budget.startBeside() : undefined;
    if (keyTrial === undefined || call === undefined) return false;
    void this.#keepBudget();
    const tried = keyTrial.run((answer) => {
      // A failure says nothing about the calls for orders: an environment may lack `validate` and have those.
      if (answer.kind === 'failed') call.end();
      else this.#onAnswer(answer, call);
    });
    inFlight.addOther(tried).then(() => this.wake());
    return true;
  }

  async #startRequested(): Promise<boolean> {
    const { choice, budget, missingCards } = this.#options;
    // Cards take each call as soon as the limit allows one. To alternate with cards, queries must do the same.
    const urgent = missingCards.size > 0;
    const job = urgent || budget.left > 0 ? await choice.forRequests() : undefined;
    if (job === undefined || !this.#mayCall()) return false;
    this.#wasForRequest = true;
    return this.#start(job, budget.start({ urgent }));
  }

  /** Starts the check for a card that a list left out. It comes ahead of all that is due. */
  #startCard(): boolean {
    const { missingCards, spare, budget } = this.#options;
    const orderId = missingCards.first;
    if (orderId === undefined) return false;
    spare.tookCard();
    return this.#start({ kind: 'check', orderId }, budget.start({ urgent: true }));
  }

  async #startLook(): Promise<boolean> {
    const { choice, spare, budget } = this.#options;
    if (budget.left <= this.#reserved() || spare.waitMs() > 0) return false;
    const job = await choice.forSchedule();
    if (job === undefined || !this.#mayCall()) return false;
    spare.tookLook();
    return this.#start(job, budget.start());
  }

  /** Calls that the schedule leaves for a query yet to come; none while queries wait, since calls then alternate. */
  #reserved(): number {
    const { budget, requests } = this.#options;
    // A token bucket of one call has none to reserve.
    return requests.size > 0 ? 0 : Math.min(RESERVED_CALLS, budget.burst - 1);
  }

  /** Starts the call for a job; `false` without a call from the budget. */
  #start(job: Job, call: StartedCall | undefined): boolean {
    if (call === undefined) return false;
    // The write starts before the call, so that a call counts even if the process is killed while it is in flight.
    void this.#keepBudget();
    if (job.kind === 'sweep') this.#sweep(job.sweep, call);
    else this.#check(job.orderId, call);
    return true;
  }

  #sweep(sweep: Sweep, call: StartedCall): void {
    const { sweeps, requests, inFlight, storeFaults } = this.#options;
    const sweeping = sweeps
      .run(sweep, (answer) => this.#onAnswer(answer, call))
      .then(
        (orders) => {
          if (orders.length > 0) storeFaults.recorded();
          for (const order of orders) {
            requests.settle(order.latest.orderId, { kind: 'observed', order });
          }
        },
        (error: unknown) => void this.#onStoreFault(error),
      );
    inFlight.addSweep(sweep, sweeping).then(() => this.wake());
  }

  #check(orderId: string, call: StartedCall): void {
    const { checker, missingCards, requests, inFlight, storeFaults } = this.#options;
    const isForCard = missingCards.take(orderId);
    const answerRequest = requests.take(orderId);
    const checked = checker
      .check(orderId, (answer) => this.#onAnswer(answer, call))
      .catch((error: unknown): Checked => this.#onStoreFault(error))
      .then((checked) => this.#withWait(checked));
    inFlight.addCheck(orderId, checked).then((checked) => {
      if (checked.kind === 'observed') {
        storeFaults.recorded();
        missingCards.fetched(orderId);
      } else if (isForCard) missingCards.failed(orderId);
      answerRequest?.(checked);
      this.wake();
    });
  }

  /** If a failure has stopped all calls, gives the queries of this call the same error as all later queries. */
  #withWait(checked: Checked): Checked {
    if (checked.kind !== 'failed' || checked.error.code === 'INTERNAL_SERVER_ERROR') return checked;
    const { gate, clock } = this.#options;
    return { kind: 'failed', error: gate.refusalAt(clock.steady()) ?? checked.error };
  }

  #onAnswer(answer: Answer, call: StartedCall): void {
    call.end();
    const { gate, budget, requests, clock, onGateChange } = this.#options;
    const now = clock.steady();
    const before = gate.stateAt(now);
    if (answer.kind === 'throttled' && before.name !== 'throttled') {
      budget.shrink();
      // The next call is far, and whoever takes over until then would go on as before.
      void this.#keepBudget();
    }
    const after = gate.report(toCallResult(answer), now);
    if (after.name !== before.name || untilOf(after) !== untilOf(before)) onGateChange(after);
    if (after.name !== before.name) this.#gateLog.tell(after, now, answer);
    const refusal = gate.refusalAt(now);
    if (refusal !== undefined) requests.failAll(refusal);
  }

  async #sleepUntilNext(): Promise<void> {
    const { gate, budget, missingCards, spare, choice, keyTrial, storeFaults, clock } =
      this.#options;
    const now = clock.steady();
    const state = gate.stateAt(now);
    const gateInMs = 'until' in state ? state.until - now : 0;
    // The next answer wakes the dispatcher.
    if (gateInMs <= 0 && !this.#hasPlace()) return;
    const requestInMs = choice.hasRequest() ? budget.waitMs() : NEVER;
    const urgentInMs = missingCards.size > 0 || keyTrial?.isDue ? budget.roomInMs(1) : NEVER;
    const dueInMs = (await choice.nextDueAt()) - clock.now();
    const lookInMs = Math.max(dueInMs, budget.waitMs(1 + this.#reserved()), spare.waitMs());
    const workInMs = Math.min(requestInMs, urgentInMs, lookInMs);
    if (workInMs === NEVER || this.#state !== 'running') return;
    const waitMs = Math.max(workInMs, gateInMs, storeFaults.pauseMs, 1);
    this.#timer?.cancel();
    this.#timer = clock.after(Math.min(waitMs, LONGEST_SLEEP_MS), () => this.wake());
  }

  /** Writes the budget down for the process that takes over. */
  async #keepBudget(): Promise<void> {
    const { budget, notebook } = this.#options;
    await budget.keep(notebook).catch((error: unknown) => void this.#onStoreFault(error));
  }

  /** Pauses calls after the store failed. Only time is lost: what was not recorded is asked for again. */
  #onStoreFault(cause: unknown): Checked {
    const { storeFaults, clock } = this.#options;
    storeFaults.met(cause);
    this.#timer?.cancel();
    this.#timer = clock.after(storeFaults.pauseMs, () => this.wake());
    const error = new GatewayError('INTERNAL_SERVER_ERROR', 'The gateway failed.', { cause });
    return { kind: 'failed', error };
  }
}

function untilOf(state: GateState): number | undefined {
  return 'until' in state ? state.until : undefined;
}

function shuttingDown(): GatewayError {
  return new GatewayError('UPSTREAM_UNAVAILABLE', 'The gateway is shutting down.', {
    retryAfterMs: RESTART_MS,
  });
}

function toCallResult(answer: Answer): CallResult {
  switch (answer.kind) {
    case 'observed':
    case 'listed':
    case 'unknown':
    case 'validated':
      return { kind: 'good' };
    default:
      return answer;
  }
}
